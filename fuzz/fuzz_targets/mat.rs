//! SVHN's MAT-files. The first byte chooses: as it is; after a valid header; or compressed into one or two elements.
#![no_main]

mod stored;

use flooding_fetch::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [mode, cut, body @ ..] = data else { return };
    let mut file = vec![b' '; 124];
    file.extend([0x00, 0x01, b'I', b'M']);
    let parts: Vec<&[u8]> = match mode % 4 {
        0 => {
            file = body.to_vec();
            vec![]
        }
        1 => {
            file.extend(body);
            vec![]
        }
        2 => vec![body],
        _ => {
            let (a, b) = body.split_at((usize::from(*cut) * 4).min(body.len()));
            vec![a, b]
        }
    };
    for part in parts {
        let compressed = stored::zlib(part);
        file.extend(15_u32.to_le_bytes());
        file.extend((compressed.len() as u32).to_le_bytes());
        file.extend(compressed);
    }
    let expected = (mode & 4 != 0).then_some(2);
    if let Ok(decoded) = decode::svhn(&file[..], file.len() as u64, "fuzz", [3, 2, 2], expected) {
        assert_eq!(decoded.pixels.len(), decoded.len() * 12);
        assert!(decoded.labels.iter().all(|&label| label < 10));
        assert!(expected.is_none_or(|n| decoded.len() == n as usize));
    }
});
