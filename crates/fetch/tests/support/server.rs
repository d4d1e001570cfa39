//! A HTTP server that misbehaves as told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How the server answers one request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The file, or the part of it that was asked for.
    Good,
    /// The whole file with status 200, whatever range was asked for.
    IgnoreRange,
    /// Promises the whole file and closes after this number of bytes.
    Truncate(usize),
    /// Sends this number of bytes without a length and closes as if that were all.
    ShortWithoutLength(usize),
    /// Sends this number of bytes and then nothing more.
    Stall(usize),
    /// Never answers.
    Silent,
    /// Sends this number of bytes and resets the connection.
    Reset(usize),
    /// Only a status.
    Status(u16),
    /// A status with a `Retry-After`.
    RetryAfter(u16, u64),
    /// To another address.
    Redirect(String),
    /// The right number of wrong bytes.
    WrongBytes,
    /// More bytes than the file has, without a length.
    TooLong,
    /// A web page with status 200.
    WebPage,
    /// A web page that says it is a file, without a length.
    WebPageInDisguise,
    /// Answers a range with another one.
    WrongRange,
    /// The part that was asked for, under a `Content-Range` of this form.
    Range(&'static str),
    /// Only this number of bytes of the part that was asked for, and says so.
    ShortRange(usize),
    /// A web page with status 200 and this type.
    PageOfType(&'static str),
    /// The file, slowly: 4 KiB every so many milliseconds.
    Slow(u64),
}

/// What was asked: the path and where the range began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub path: String,
    pub from: Option<usize>,
}

/// A server on a free port; it answers the n-th request with the n-th answer, and further ones with the last.
pub struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(content: &[u8], answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (content, seen) = (content.to_vec(), requests.clone());
        let next = Arc::new(AtomicUsize::new(0));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (content, answers, seen, next) = (content.clone(), answers.clone(), seen.clone(), next.clone());
                std::thread::spawn(move || {
                    let Some(request) = read_request(&stream) else { return };
                    let turn = next.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
                    seen.lock().unwrap().push(request.clone());
                    // A client that goes away is part of the game.
                    let _ = answer(stream, &answers[turn], &content, request.from);
                });
            }
        });
        Self { address, requests }
    }

    /// The address to which a file's name is appended.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Where each request's range began.
    pub fn ranges(&self) -> Vec<Option<usize>> {
        self.requests().into_iter().map(|request| request.from).collect()
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut from = None;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).ok()? <= 2 {
            return Some(Request { path, from });
        }
        if let Some(range) = header.to_ascii_lowercase().trim().strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().ok();
        }
    }
}

fn answer(mut stream: TcpStream, answer: &Answer, content: &[u8], from: Option<usize>) -> std::io::Result<()> {
    let total = content.len();
    let part = &content[from.unwrap_or(0).min(total)..];
    let ok = match from {
        None => "HTTP/1.1 200 OK\r\n".to_owned(),
        Some(from) => format!("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{total}\r\n", total - 1),
    };
    let with_length = format!("{ok}Content-Length: {}\r\nConnection: close\r\n\r\n", part.len());
    let without_length = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    match answer {
        Answer::Good => send(&mut stream, &with_length, part),
        Answer::IgnoreRange => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {total}\r\nConnection: close\r\n\r\n");
            send(&mut stream, &head, content)
        }
        Answer::Truncate(n) => send(&mut stream, &with_length, &part[..(*n).min(part.len())]),
        Answer::ShortWithoutLength(n) => send(&mut stream, without_length, &content[..*n]),
        Answer::Stall(n) => {
            send(&mut stream, &with_length, &part[..(*n).min(part.len())])?;
            // Until the client gives up and closes.
            stream.read(&mut [0]).map(drop)
        }
        Answer::Silent => stream.read(&mut [0]).map(drop),
        Answer::Reset(n) => {
            send(&mut stream, &with_length, &part[..(*n).min(part.len())])?;
            std::thread::sleep(Duration::from_millis(50));
            reset(&stream);
            Ok(())
        }
        Answer::Status(status) => {
            send(&mut stream, &format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), b"")
        }
        Answer::RetryAfter(status, seconds) => {
            let head = format!(
                "HTTP/1.1 {status} Wait\r\nRetry-After: {seconds}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            send(&mut stream, &head, b"")
        }
        Answer::Redirect(to) => {
            let head =
                format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            send(&mut stream, &head, b"")
        }
        Answer::WrongBytes => send(&mut stream, &with_length, &vec![b'?'; part.len()]),
        Answer::TooLong => {
            send(&mut stream, without_length, content)?;
            stream.write_all(b"and more")
        }
        Answer::Range(form) => {
            let (first, last) = (from.unwrap_or(0).to_string(), (total - 1).to_string());
            let range = form.replace("{first}", &first).replace("{last}", &last).replace("{total}", &total.to_string());
            let head = format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Range: {range}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                part.len()
            );
            send(&mut stream, &head, part)
        }
        Answer::ShortRange(n) => {
            let first = from.unwrap_or(0);
            let head = format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {first}-{}/{total}\r\nContent-Length: {n}\r\nConnection: close\r\n\r\n",
                first + n - 1
            );
            send(&mut stream, &head, &part[..*n])
        }
        Answer::PageOfType(kind) => {
            let page = b"<html>Please log in</html>";
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                page.len()
            );
            send(&mut stream, &head, page)
        }
        Answer::WebPage => {
            let page = b"<html>Please log in</html>";
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                page.len()
            );
            send(&mut stream, &head, page)
        }
        Answer::WebPageInDisguise => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/gzip\r\nConnection: close\r\n\r\n";
            send(&mut stream, head, b"<html>Please log in</html>")
        }
        Answer::Slow(pause) => {
            send(&mut stream, &with_length, b"")?;
            for chunk in part.chunks(4096) {
                stream.write_all(chunk)?;
                std::thread::sleep(Duration::from_millis(*pause));
            }
            Ok(())
        }
        Answer::WrongRange => {
            let head = format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-{}/{total}\r\nContent-Length: {total}\r\nConnection: close\r\n\r\n",
                total - 1
            );
            send(&mut stream, &head, content)
        }
    }
}

fn send(stream: &mut TcpStream, head: &str, body: &[u8]) -> std::io::Result<()> {
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}

/// Closing a socket with unread data in it makes the system send a reset.
fn reset(stream: &TcpStream) {
    let _ = stream.shutdown(std::net::Shutdown::Both);
}
