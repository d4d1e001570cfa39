//! The report as its readers meet it.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{QUICK, SMALL, tables};
use flooding_core::context::Context;
use flooding_core::level::Level;
use flooding_core::plan::{Overrides, Plan, TheoremPlan};
use flooding_core::store::{OutputWriter, Store};
use flooding_core::work::{Decision, Reason, StageReport};
use flooding_render::{Files, RenderError, ReportContext, Tables, Templates, prepare, render};
use flooding_tables::{Rows, RunStatus};

fn made(tables: &Tables) -> Result<Files, RenderError> {
    render(tables, &Templates::built_in())
}

fn page(files: &Files) -> &str {
    std::str::from_utf8(&files["index.html"]).unwrap()
}

fn main_of(files: &Files) -> &str {
    let page = page(files);
    &page[page.find("<main>").unwrap()..page.find("</main>").unwrap()]
}

/// Drawings are checked by eye and by their own tests; in snapshots they would drown the words.
fn without_drawings(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(start) = rest.find("<svg") {
        text.push_str(&rest[..start]);
        text.push_str("[drawing]");
        rest = &rest[start + rest[start..].find("</svg>").unwrap() + 6..];
    }
    text + rest
}

/// The start tags of a page: name and attributes.
fn tags(html: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let script = html.find("<script>").map_or(html.len(), |at| at + 8);
    let mut tags = Vec::new();
    for part in html[..script].split('<').skip(1) {
        let Some((tag, _)) = part.split_once('>') else { continue };
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
        if name.is_empty() {
            continue;
        }
        let mut attributes = BTreeMap::new();
        let mut rest = &tag[name.len()..];
        while let Some((key, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"').expect("attributes are closed");
            attributes.insert(key.trim().to_owned(), value.replace("&#x2f;", "/"));
            rest = after;
        }
        tags.push((name, attributes));
    }
    tags
}

#[test]
fn levels_that_are_not_the_papers_are_not_counted_among_its_levels() {
    for (step, says) in [
        (5_000, "3 levels, 2 of them of the paper’s 51"),
        (600_000, "3 levels, 1 of them of the paper’s 51"),
        (10_000, "3 of the paper’s 51 levels"),
    ] {
        let mut tables = tables(SMALL);
        for run in tables.runs.as_mut().unwrap() {
            let index = run.level.millionths() / 250_000;
            run.level = Level::from_millionths(index * step);
        }
        let files = made(&tables).unwrap();
        assert!(page(&files).contains(&format!("2 of the paper’s 10 trials, {says}, 20 of the")), "{step}");
    }
}

#[test]
fn every_anchor_that_is_linked_exists_and_no_id_is_used_twice() {
    let files = made(&tables(QUICK)).unwrap();
    let tags = tags(page(&files));
    let mut ids = BTreeSet::new();
    for id in tags.iter().filter_map(|(_, attributes)| attributes.get("id")) {
        assert!(ids.insert(id.clone()), "the id {id} is used twice");
    }
    let links: Vec<_> = tags.iter().filter_map(|(_, attributes)| attributes.get("href")).collect();
    let anchors: Vec<_> = links.iter().filter_map(|link| link.strip_prefix('#')).collect();
    assert!(anchors.len() > 50, "{}", anchors.len());
    for anchor in anchors {
        assert!(ids.contains(anchor), "#{anchor} leads nowhere");
    }
}

#[test]
fn every_file_that_is_linked_is_made() {
    for tables in [tables(QUICK), Tables::default()] {
        let files = made(&tables).unwrap();
        for (_, attributes) in tags(page(&files)) {
            let Some(link) = attributes.get("href") else { continue };
            if !link.starts_with('#') && !link.starts_with("data:") {
                assert!(files.contains_key(link), "{link} is linked and not made");
            }
        }
    }
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let files = made(&tables(SMALL)).unwrap();
    for (name, attributes) in tags(page(&files)) {
        for key in ["src", "srcset", "poster", "data", "xlink:href"] {
            assert!(!attributes.contains_key(key), "<{name} {key}>");
        }
        if name == "link" {
            assert_eq!(attributes["href"], "data:,");
        }
    }
    let page = page(&files);
    assert!(!page.contains("@import") && !page.contains("url("));
}

#[test]
fn elements_are_closed_in_the_order_they_were_opened() {
    const VOID: [&str; 6] = ["meta", "link", "br", "hr", "input", "img"];
    let files = made(&tables(SMALL)).unwrap();
    let page = page(&files);
    let mut open: Vec<String> = Vec::new();
    let end = page.find("<script>").unwrap();
    for part in page[..end].split('<').skip(1) {
        let tag = &part[..part.find('>').unwrap_or_else(|| panic!("`<{}` is not closed", &part[..20.min(part.len())]))];
        if tag.starts_with('!') || tag.ends_with('/') {
            continue;
        }
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_ref(), Some(&name), "</{name}>");
        } else if !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert_eq!(open, ["html", "body"], "what is open before the script");
}

#[test]
fn the_same_tables_give_the_same_bytes() {
    assert_eq!(made(&tables(SMALL)).unwrap(), made(&tables(SMALL)).unwrap());
}

#[test]
fn a_setting_named_with_signs_survives_in_html_latex_and_svg() {
    let odd = r"a_b & <c> %";
    let mut tables = tables(SMALL);
    let old = tables.accuracy.as_ref().unwrap()[0].setting.clone();
    let rename = |id: &mut String| {
        if *id == old {
            odd.clone_into(id);
        }
    };
    for row in tables.accuracy.as_mut().unwrap() {
        if row.setting == old {
            (row.data, row.setup) = (odd.to_owned(), "\"High\"".to_owned());
        }
        rename(&mut row.setting);
    }
    tables.levels.as_mut().unwrap().iter_mut().for_each(|row| rename(&mut row.setting));
    tables.curves.as_mut().unwrap().iter_mut().for_each(|row| rename(&mut row.setting));
    tables.runs.as_mut().unwrap().iter_mut().for_each(|row| rename(&mut row.setting));
    let files = made(&tables).unwrap();
    assert!(page(&files).contains("a_b &amp; &lt;c&gt; %"));
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    assert!(text("latex/table2.tex").contains(r"a\_b \& \textless{}c\textgreater{} \%"));
    let svg = files.keys().find(|name| name.contains("figure-2-a_b") && common::ends(name, "svg")).unwrap();
    assert!(text(svg).contains("a_b &amp; &lt;c&gt; %"));
    for (name, bytes) in &files {
        if common::ends(name, "html") || common::ends(name, "svg") {
            assert!(!String::from_utf8_lossy(bytes).contains("<c>"), "{name} holds a tag of the setting's name");
        }
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c)), "{name}");
    }
}

#[test]
fn a_quick_run_is_called_one_at_every_table_and_figure_and_is_never_the_papers_grid() {
    let files = made(&tables(SMALL)).unwrap();
    let main = without_drawings(main_of(&files));
    let said = |part: &str| {
        assert!(part.contains("Quick run, not the paper’s grid: 2 of the paper’s 10 trials"), "{part}");
        assert!(part.contains("20 of the paper’s 500 epochs"), "{part}");
    };
    let mut tables = 0;
    for part in main.split("<table").skip(1) {
        let part = &part[..part.find("</table>").unwrap()];
        if part.contains("Without flooding</th>") {
            said(part);
            tables += 1;
        }
    }
    assert_eq!(tables, 2);
    // Once for all drawings of a setting.
    let settings: Vec<&str> = main.split("class=\"setting\">").skip(1).collect();
    assert_eq!(settings.len(), SMALL.settings);
    for setting in settings {
        said(&setting[..setting.find("<details").unwrap()]);
    }
    assert!(main.contains("Quick run</span>"));
}

#[test]
fn where_the_training_loss_floats_is_drawn_once_per_dataset_and_given_in_numbers() {
    let files = made(&tables(QUICK)).unwrap();
    let main = without_drawings(main_of(&files));
    let drawn: Vec<_> = files
        .keys()
        .filter(|name| name.starts_with("figures/figure-1-floating") && common::ends(name, "pdf"))
        .collect();
    let expected = ["gaussians-high-demo", "gaussians-low", "mnist-mlp", "sinusoid-high-demo", "sinusoid-low"];
    let expected = expected.into_iter().chain(["spiral-high-demo", "spiral-low"]);
    assert_eq!(drawn.len(), 7, "{drawn:?}");
    for (name, setting) in drawn.into_iter().zip(expected) {
        assert_eq!(*name, format!("figures/figure-1-floating-{setting}.pdf"));
    }
    let caption = main.split("The training loss floats around the flood level, MNIST, MLP.").nth(1).unwrap();
    let caption = &caption[..caption.find("</figcaption>").unwrap()];
    assert!(caption.contains("Profile quick: 100 training examples (100 more held out), 500 epochs, seeds 0 to 2."));
    assert!(caption.contains("Mean training loss and accuracy of epochs 451 to 500:"), "{caption}");
    assert!(caption.contains("and 100.00% at b = 0.05"), "{caption}");
    // Eleven levels in the tables, of which six are drawn and told.
    let csv = String::from_utf8(files["figures/figure-1-floating-mnist-mlp.csv"].clone()).unwrap();
    assert!(csv.starts_with("setting,reading,level,epoch,trials,batch_loss,train_loss,train_accuracy,"), "{csv}");
    assert_eq!(csv.lines().count(), 1 + 6 * 500);
    let section = main.split("<section id=\"floating\"").nth(1).unwrap();
    let section = &section[..section.find("</section>").unwrap()];
    assert_eq!(section.matches("<tr>").count(), 1 + 6 * QUICK.settings);
}

#[test]
fn an_empty_store_gives_a_report_that_says_so_everywhere() {
    let files = made(&Tables::default()).unwrap();
    let main = main_of(&files);
    for words in [
        "No results",
        "Not judged: no claims table has been made.",
        "this run holds no setting of Table 2",
        "Not run: no learning curves are stored",
        "Not run: no level has a complete trial.",
        "the theorem has not been checked",
        "accuracy (Tables 2 and 3): not run",
    ] {
        assert!(main.contains(words), "{words}");
    }
}

#[test]
fn a_row_without_a_whole_trial_is_marked_and_never_blank_or_zero() {
    let mut tables = tables(SMALL);
    let row = &mut tables.accuracy.as_mut().unwrap()[0];
    (row.without, row.with, row.selected_level, row.difference) = (None, None, None, None);
    (row.complete_trials, row.missing_runs) = (0, 1);
    tables.selections.as_mut().unwrap().clear();
    let run = &mut tables.runs.as_mut().unwrap()[0];
    (run.status, run.at_last, run.at_best_validation) = (RunStatus::Missing, None, None);
    let files = made(&tables).unwrap();
    let main = main_of(&files);
    assert!(main.contains("<td class=\"n absent\">missing</td>") && main.contains("0 of 2 trials complete"));
    assert!(main.contains("gaussians-low t00 b0.00"));
    assert!(!main.contains("<td class=\"n\"></td>") && !main.contains("NaN"));
    let latex = String::from_utf8(files["latex/table2.tex"].clone()).unwrap();
    assert!(latex.contains(r"\emph{missing}"));
}

#[test]
fn latex_macros_are_defined_once_and_all_that_are_used_are_defined() {
    let files = made(&tables(QUICK)).unwrap();
    let mut defined = BTreeSet::new();
    for name in ["latex/table2.tex", "latex/table3.tex"] {
        let text = String::from_utf8(files[name].clone()).unwrap();
        for line in text.lines().filter_map(|line| line.strip_prefix(r"\newcommand{\")) {
            let name = line.split('}').next().unwrap().to_owned();
            assert!(name.chars().all(|c| c.is_ascii_alphabetic()), "{name}");
            assert!(defined.insert(name.clone()), "{name} is defined twice");
        }
        for used in text.split(r"\Flood").skip(1) {
            let name: String = used.chars().take_while(char::is_ascii_alphabetic).collect();
            assert!(defined.contains(&format!("Flood{name}")), "Flood{name}");
        }
    }
    assert!(defined.contains("FloodSpiralHighAWith"));
}

#[test]
fn the_head_answers_for_the_benchmarks_too() {
    let of = |size| {
        let (context, _) = ReportContext::new(&tables(size)).unwrap();
        context.headline.findings.into_iter().find(|finding| finding.topic.contains("benchmarks"))
    };
    assert!(of(SMALL).is_none(), "no row of Table 3 was run");
    let text = of(QUICK).unwrap().text;
    assert!(text.contains("in 1 of 1 row (11 not run) at the last epoch and in "), "{text}");
    assert!(text.ends_with(" with early stopping."), "{text}");
}

#[test]
fn the_contexts_are_what_they_were() {
    let (context, _) = ReportContext::new(&tables(SMALL)).unwrap();
    insta::assert_json_snapshot!("headline", context.headline);
    insta::assert_json_snapshot!("scorecard", context.scorecard);
    insta::assert_json_snapshot!("accuracy", context.accuracy);
    insta::assert_json_snapshot!("provenance", context.provenance);
    insta::assert_json_snapshot!("missing", context.missing);
}

#[test]
fn the_page_is_what_it_was() {
    let files = made(&tables(SMALL)).unwrap();
    insta::assert_snapshot!("main", without_drawings(main_of(&files)));
}

fn plan() -> Plan {
    Plan {
        profile: "quick".to_owned(),
        summary: String::new(),
        master_seed: 1,
        settings: Vec::new(),
        left_out: Vec::new(),
        readings: Vec::new(),
        reading_labels: Vec::new(),
        margin: None,
        theorem: TheoremPlan {
            repetitions: 1,
            sample_sizes: Vec::new(),
            levels_over_risk: Vec::new(),
            scenarios: Vec::new(),
        },
        overrides: Overrides::default(),
    }
}

fn run(store: &Store) -> Result<StageReport, RenderError> {
    prepare(&plan(), store, &Context::default(), Templates::built_in())?.run()
}

fn store_of(tables: &Tables) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data"), folder.path().join("reports")).unwrap();
    let place = store.layout().tables();
    let mut outputs = OutputWriter::begin(&store, place).unwrap();
    outputs.document("overview", tables.overview.as_ref().unwrap()).unwrap();
    flooding_tables::write(&mut outputs, &Rows(tables.accuracy.clone().unwrap())).unwrap();
    flooding_tables::write(&mut outputs, &Rows(tables.claims.clone().unwrap())).unwrap();
    (folder, store)
}

#[test]
fn the_stage_makes_the_report_once_and_again_only_for_a_reason() {
    let (_folder, store) = store_of(&tables(SMALL));
    let decision =
        || prepare(&plan(), &store, &Context::default(), Templates::built_in()).unwrap().items.remove(0).decision;
    assert_eq!(decision(), Decision::Run(Reason::New));
    assert_eq!(run(&store).unwrap().done, 1);
    assert_eq!(decision(), Decision::Skip(Reason::UpToDate));
    assert_eq!(run(&store).unwrap().skipped, 1);

    let index = store.layout().reports().join("index.html");
    let first = store.read(&index).unwrap().unwrap();
    std::fs::remove_dir_all(store.layout().reports()).unwrap();
    assert_eq!(decision(), Decision::Run(Reason::New));
    run(&store).unwrap();
    assert_eq!(store.read(&index).unwrap().unwrap(), first, "the same bytes again");

    store.write(&index, b"changed by hand").unwrap();
    assert!(matches!(decision(), Decision::Run(Reason::Damaged { .. })));
    run(&store).unwrap();

    let claims = store.layout().tables().join("claims.json");
    store.remove(&claims).unwrap();
    assert_eq!(decision(), Decision::Run(Reason::InputChanged { input: "tables".to_owned() }));
    run(&store).unwrap();
    let left_over = store.layout().reports().join("tables/claims.json");
    assert_eq!(store.read(&left_over).unwrap(), None, "files of the earlier report are gone");
    let name = "tables/accuracy.parquet";
    let copied = store.read(&store.layout().reports().join(name)).unwrap().unwrap();
    assert_eq!(copied, store.read(&store.layout().data().join(name)).unwrap().unwrap());
}

#[test]
fn a_damaged_table_is_refused_with_its_path() {
    let (_folder, store) = store_of(&tables(SMALL));
    let path = store.layout().tables().join("accuracy.json");
    let text = String::from_utf8(store.read(&path).unwrap().unwrap()).unwrap();
    store.write(&path, text.replacen("gaussians-low", "gaussians-lox", 1).as_bytes()).unwrap();
    let error = run(&store).unwrap_err().to_string();
    assert!(error.contains("accuracy.json") && error.contains("pipeline stage aggregate"), "{error}");
}

#[test]
fn a_test_set_that_was_only_evaluated_at_the_end_gets_no_empty_panel() {
    let drawn = |only_at_the_end: bool| {
        let mut tables = tables(QUICK);
        let curves = tables.curves.as_mut().expect("made up");
        let last = curves.iter().map(|row| row.epoch).max();
        for row in curves.iter_mut().filter(|row| only_at_the_end && Some(row.epoch) != last) {
            row.test = None;
        }
        let files = made(&tables).unwrap();
        let is_grid = |name: &str| name.contains("figure-2-") && !name.contains("compared");
        let name = files.keys().find(|name| is_grid(name) && common::ends(name, "svg")).unwrap();
        String::from_utf8(files[name].clone()).unwrap()
    };
    assert!(drawn(false).contains("test loss") && drawn(false).contains("validation loss"));
    assert!(!drawn(true).contains("test loss") && drawn(true).contains("validation loss"));
}

#[test]
fn a_template_in_the_projects_folder_replaces_the_built_in_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sections")).unwrap();
    std::fs::write(folder.path().join("sections/methods.html"), "<p>ours, {{ methods.rows|length }} rows</p>").unwrap();
    let files = render(&tables(SMALL), &Templates::with_folder(folder.path()).unwrap()).unwrap();
    assert!(page(&files).contains("<p>ours, 2 rows</p>"));
    assert!(page(&files).contains("id=\"claims\""), "the other templates are the built-in ones");
    std::fs::write(folder.path().join("sections/methods.html"), "{{ methods.nothing }}").unwrap();
    let error = render(&tables(SMALL), &Templates::with_folder(folder.path()).unwrap()).unwrap_err().to_string();
    assert!(error.contains("report.html") && error.contains("methods.html"), "{error}");
}

#[test]
fn a_run_of_which_some_settings_are_the_papers_grid_is_called_reduced_in_part() {
    let mut tables = tables(QUICK);
    let whole = tables.accuracy.as_ref().unwrap()[0].setting.clone();
    for row in tables.accuracy.as_mut().unwrap().iter_mut().filter(|row| row.setting == whole) {
        (row.trials, row.levels, row.complete_trials) = (row.paper_trials, row.paper_levels, row.paper_trials);
        row.reduced = Vec::new();
    }
    // The made-up runs have levels that the paper has not.
    tables.runs = Some(Vec::new());
    let files = made(&tables).unwrap();
    let page = page(&files);
    assert!(
        page.contains("Reduced in part</span>") && page.contains("In a run that is reduced in part, flooding’s gain")
    );
    assert!(page.contains("In part the paper’s grid, in part a reduced one; the scales differ"));
    assert!(page.contains("<small>the paper’s grid</small>"));
    assert!(page.contains("<small>3 of the paper’s 10 trials, 11 of the paper’s 51 levels"));
}

#[test]
fn a_reduced_run_says_so_in_each_finding_and_an_unfinished_one_counts_its_trials() {
    let quick = made(&tables(QUICK)).unwrap();
    let page_of_quick = page(&quick);
    assert!(page_of_quick.contains("Quick run") && page_of_quick.contains("In a reduced run, flooding’s gain has"));
    assert!(!page_of_quick.contains("reproduced in"));

    let mut tables = tables(QUICK);
    for row in tables.accuracy.as_mut().unwrap() {
        (row.trials, row.levels, row.complete_trials) = (row.paper_trials, row.paper_levels, 1);
        (row.missing_runs, row.reduced) = ((row.paper_trials - 1) * row.paper_levels, Vec::new());
    }
    // The made-up runs have levels that the paper has not.
    tables.runs = Some(Vec::new());
    let files = made(&tables).unwrap();
    let page = page(&files);
    assert!(page.contains("Unfinished</span>") && page.contains("So far, flooding’s gain has"));
    assert!(page.contains("1 of 10 trials complete"));
    assert!(page.contains("Unfinished: 1 of 10 trials complete."), "captions of one setting count its trials");
    assert!(!page.contains("In a reduced run"));
}

#[test]
fn figures_of_gradients_and_test_curves_come_from_the_replays_where_there_are_some() {
    let with = made(&tables(QUICK)).unwrap();
    let compared: Vec<_> =
        with.keys().filter(|name| name.contains("figure-2-compared-") && common::ends(name, "csv")).collect();
    assert_eq!(compared, ["figures/figure-2-compared-gaussians-high.csv"]);
    let csv = |files: &Files| String::from_utf8(files["figures/figure-4-gaussians-high.csv"].clone()).unwrap();
    assert!(csv(&with).lines().next().unwrap().contains("test_examples"), "{}", csv(&with));
    assert!(page(&with).contains("each trial’s selected b (0.12 to 0.15)"));

    let mut tables = tables(QUICK);
    tables.replays = Some(Vec::new());
    let without = made(&tables).unwrap();
    assert!(!without.keys().any(|name| name.contains("figure-2-compared-")));
    assert!(csv(&without).lines().next().unwrap().contains("batch_loss"), "the grid's curves");
}

#[test]
fn the_compute_account_names_machines_and_hours_and_what_is_not_recorded() {
    let files = made(&tables(QUICK)).unwrap();
    let page = page(&files);
    assert!(page.contains("270 complete runs took 15 core-hours on 2 kinds of machine."));
    for words in ["<td class=\"n\">16 GiB</td>", "not recorded", "other settings", "&lt; 1"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(page.contains("@software{flooding-pipeline,") && page.contains("note      = {commit 0123456789ab-dirty}"));
    let nothing = made(&Tables::default()).unwrap();
    assert!(self::page(&nothing).contains("Not recorded: no run is complete."));
}

#[test]
fn settings_of_no_table_have_an_accuracy_table_of_their_own() {
    let mut tables = tables(SMALL);
    assert!(!page(&made(&tables).unwrap()).contains("id=\"other-settings\""));
    for row in tables.accuracy.as_mut().unwrap().iter_mut().filter(|row| row.setting == "gaussians-low") {
        (row.table, row.paper) = (None, None);
    }
    let files = made(&tables).unwrap();
    let page = page(&files);
    let own = &page[page.find("id=\"other-settings\"").expect("a section")..];
    let own = &own[..own.find("</section>").unwrap()];
    assert!(own.contains("Two Gaussians") && own.contains("#cell-gaussians-low-A"));
    assert!(!own.contains("published"), "nothing is published of them");
}

#[test]
fn a_gain_is_filled_in_the_forest_plot_where_ours_is_significant_whatever_the_published_one_is() {
    let drawn = |p: Option<f64>| {
        let mut tables = tables(QUICK);
        for row in tables.accuracy.as_mut().unwrap() {
            if let Some(difference) = &mut row.difference {
                difference.p_student = p;
            }
        }
        for cell in tables.scorecard.as_mut().unwrap() {
            // As where the published gain is not significant: the criterion is not available.
            cell.criterion.significant = None;
            cell.criterion.same_direction = Some(true);
        }
        String::from_utf8(made(&tables).unwrap()["figures/forest.svg"].clone()).unwrap()
    };
    let filled = "published direction, significant at 1%";
    assert!(drawn(Some(0.009)).contains(filled) && !drawn(Some(0.011)).contains(filled));
    assert!(drawn(None).contains("significance not tested"));
}
