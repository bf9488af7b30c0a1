//! Fetching from local servers that behave well, badly, and very badly.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use coherence_data::fetch::{FetchError, Reason, fetch};
use coherence_data::idx::{self, Array};
use coherence_data::manifest::Entry;
use coherence_data::verify::{FileState, verify};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// The test data set has one content under four names.
const FILES: [&str; 4] = ["a-images", "a-labels", "b-images", "b-labels"];

fn plain() -> Vec<u8> {
    let values: Vec<u8> = (0..5000_u32).map(|i| (i * i % 251) as u8).collect();
    let mut file = Vec::new();
    idx::encode(&Array { dims: [values.len()], values }, &mut file).unwrap();
    file
}

fn zipped() -> Vec<u8> {
    let mut zip = GzEncoder::new(Vec::new(), Compression::best());
    zip.write_all(&plain()).unwrap();
    zip.finish().unwrap()
}

/// A data set whose mirrors are `servers`.
fn entry(servers: &[&Server]) -> Entry {
    entry_of(servers, &sha256(&plain()))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn entry_of(servers: &[&Server], sha256: &str) -> Entry {
    let (bytes, compressed) = (plain().len(), zipped().len());
    let item = |name: &str| {
        format!(
            "{{ name = '{name}', bytes = {bytes}, compressed_bytes = {compressed}, \
             sha256 = '{sha256}' }}"
        )
    };
    let [ai, al, bi, bl] = FILES.map(item);
    let mirrors: Vec<String> = servers.iter().map(|s| format!("'{}'", s.url)).collect();
    toml::from_str(&format!(
        "name = 'tiny'\ntitle = 'Tiny'\nclasses = 256\nmirrors = [{}]\n\
         train = {{ images = {ai}, labels = {al} }}\ntest = {{ images = {bi}, labels = {bl} }}",
        mirrors.join(", ")
    ))
    .unwrap()
}

/// A client's request: the path, and the offset to resume from.
#[derive(Clone, Debug, PartialEq)]
struct Request {
    path: String,
    from: Option<usize>,
}

struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Serves every request with `reply`, which may fail when the client hangs up.
    fn start(reply: impl Fn(&Request, &mut TcpStream) -> io::Result<()> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read_request(&stream);
                log.lock().unwrap().push(request.clone());
                let _ = reply(&request, &mut stream);
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }
}

fn read_request(stream: &TcpStream) -> Request {
    let lines: Vec<String> =
        BufReader::new(stream).lines().map(Result::unwrap).take_while(|l| !l.is_empty()).collect();
    let path = lines[0].split(' ').nth(1).unwrap().to_owned();
    let from = lines.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let value = name.eq_ignore_ascii_case("range").then_some(value)?;
        value.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    });
    Request { path, from }
}

fn head(status: &str, length: usize, more: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n")
}

/// Answers with `file` from the requested offset on.
fn good(file: &[u8], request: &Request, stream: &mut TcpStream) -> io::Result<()> {
    match request.from {
        None => stream.write_all(head("200 OK", file.len(), "").as_bytes())?,
        Some(from) if from >= file.len() => {
            return stream.write_all(head("416 Range Not Satisfiable", 0, "").as_bytes());
        }
        Some(from) => {
            let range =
                format!("Content-Range: bytes {from}-{}/{}\r\n", file.len() - 1, file.len());
            stream.write_all(head("206 Partial Content", file.len() - from, &range).as_bytes())?;
        }
    }
    stream.write_all(&file[request.from.unwrap_or(0)..])
}

fn good_server() -> Server {
    Server::start(|request, stream| good(&zipped(), request, stream))
}

fn run(entry: &Entry, folder: &Path) -> Result<usize, FetchError> {
    fetch(entry, folder, &mut |_| ())
}

/// The reasons why a fetch failed at its first file, and the files then in the folder.
fn failure(servers: &[&Server]) -> (Vec<Reason>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let Err(FetchError::Mirrors { attempts, .. }) = run(&entry(servers), folder.path()) else {
        panic!("the mirrors should have failed")
    };
    (attempts.into_iter().map(|attempt| attempt.reason).collect(), names(folder.path()))
}

fn names(folder: &Path) -> Vec<String> {
    let name = |file: io::Result<fs::DirEntry>| file.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

fn all_sound(entry: &Entry, folder: &Path) -> bool {
    verify(entry, folder).all(|(_, state)| matches!(state, FileState::Sound(_)))
}

#[test]
fn a_good_mirror_gives_every_file_once() {
    let server = good_server();
    let (entry, folder) = (entry(&[&server]), tempfile::tempdir().unwrap());
    let mut seen = Vec::new();
    let fetched = fetch(&entry, folder.path(), &mut |p| seen.push((p.done, p.most))).unwrap();
    assert_eq!(fetched, 4);
    assert!(all_sound(&entry, folder.path()));
    assert_eq!(names(folder.path()), FILES.map(|name| format!("{name}.gz")));
    let size = zipped().len() as u64;
    assert!(seen.contains(&(0, size)) && seen.contains(&(size, size)), "{seen:?}");
    assert_eq!(run(&entry, folder.path()).unwrap(), 0, "sound files are not fetched again");
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn a_plain_file_that_is_sound_is_not_fetched() {
    let server = good_server();
    let (entry, folder) = (entry(&[&server]), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("a-labels"), plain()).unwrap();
    assert_eq!(run(&entry, folder.path()).unwrap(), 3);
}

#[test]
fn a_damaged_file_is_fetched_again() {
    let server = good_server();
    let (entry, folder) = (entry(&[&server]), tempfile::tempdir().unwrap());
    run(&entry, folder.path()).unwrap();
    let path = folder.path().join("b-images.gz");
    fs::write(&path, &zipped()[..100]).unwrap();
    assert!(!all_sound(&entry, folder.path()));
    assert_eq!(run(&entry, folder.path()).unwrap(), 1);
    assert!(all_sound(&entry, folder.path()));
}

#[test]
fn a_part_is_resumed() {
    let server = good_server();
    let (entry, folder) = (entry(&[&server]), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("a-images.gz.part"), &zipped()[..100]).unwrap();
    run(&entry, folder.path()).unwrap();
    assert!(all_sound(&entry, folder.path()));
    let first = Request { path: "/a-images.gz".to_owned(), from: Some(100) };
    assert_eq!(server.asked()[0], first);
}

#[test]
fn a_complete_part_needs_no_request() {
    let server = good_server();
    let (entry, folder) = (entry(&[&server]), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("a-images.gz.part"), zipped()).unwrap();
    run(&entry, folder.path()).unwrap();
    assert!(server.asked().iter().all(|request| request.path != "/a-images.gz"));
}

/// Parts that no mirror can complete: other bytes, and more than the whole.
#[test]
fn a_useless_part_is_deleted_and_the_whole_file_fetched() {
    for part in [vec![7; 100], vec![7; 100_000]] {
        let server = good_server();
        let (entry, folder) = (entry(&[&server]), tempfile::tempdir().unwrap());
        fs::write(folder.path().join("a-images.gz.part"), part).unwrap();
        run(&entry, folder.path()).unwrap();
        assert!(all_sound(&entry, folder.path()));
        assert_eq!(server.asked()[1].from, None, "the second request is for the whole");
    }
}

#[test]
fn a_mirror_without_ranges_sends_the_whole_file() {
    let server = Server::start(|request, stream| {
        good(&zipped(), &Request { from: None, ..request.clone() }, stream)
    });
    let (entry, folder) = (entry(&[&server]), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("a-images.gz.part"), &zipped()[..100]).unwrap();
    run(&entry, folder.path()).unwrap();
    assert!(all_sound(&entry, folder.path()));
}

#[test]
fn a_mirror_that_sends_another_range_is_asked_for_the_whole_file() {
    let server = Server::start(|request, stream| {
        let from = request.from.map(|from| from - 10);
        good(&zipped(), &Request { from, ..request.clone() }, stream)
    });
    let (entry, folder) = (entry(&[&server]), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("a-images.gz.part"), &zipped()[..100]).unwrap();
    run(&entry, folder.path()).unwrap();
    assert!(all_sound(&entry, folder.path()));
}

/// Each answer announces the remaining bytes and hangs up after a hundred of them.
#[test]
fn a_transfer_that_breaks_off_is_resumed_and_the_part_is_kept() {
    let server = Server::start(|request, stream| {
        let from = request.from.unwrap_or(0);
        let mut answer = Vec::new();
        let file = zipped();
        let range = format!("Content-Range: bytes {from}-{}/{}\r\n", file.len() - 1, file.len());
        answer.extend(head("206 Partial Content", file.len() - from, &range).bytes());
        if request.from.is_none() {
            answer = head("200 OK", file.len(), "").into_bytes();
        }
        answer.extend(&file[from..from + 100]);
        stream.write_all(&answer)
    });
    let (reasons, left) = failure(&[&server]);
    let kept: Vec<u64> = reasons
        .iter()
        .map(|reason| match reason {
            Reason::Broken { kept, .. } => *kept,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(kept, [100, 200, 300]);
    assert_eq!(left, ["a-images.gz.part"]);
    let from: Vec<_> = server.asked().iter().map(|request| request.from).collect();
    assert_eq!(from, [None, Some(100), Some(200)]);
}

#[test]
fn the_next_mirror_resumes_where_the_first_broke_off() {
    let broken = Server::start(|_, stream| {
        stream.write_all(head("200 OK", zipped().len(), "").as_bytes())?;
        stream.write_all(&zipped()[..100])
    });
    let whole = good_server();
    let (entry, folder) = (entry(&[&broken, &whole]), tempfile::tempdir().unwrap());
    run(&entry, folder.path()).unwrap();
    assert!(all_sound(&entry, folder.path()));
    assert_eq!(whole.asked()[0].from, Some(100));
}

#[test]
fn wrong_bytes_are_refused_and_deleted() {
    let mut other = zipped();
    other[200] ^= 1;
    let server = Server::start(move |request, stream| good(&other, request, stream));
    let (reasons, left) = failure(&[&server]);
    assert!(matches!(reasons[..], [Reason::Wrong { resumed: false, .. }]), "{reasons:?}");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn another_file_of_the_same_length_fails_the_checksum() {
    let server = good_server();
    let folder = tempfile::tempdir().unwrap();
    let error = run(&entry_of(&[&server], &"0".repeat(64)), folder.path()).unwrap_err();
    let expected = format!("SHA-256: found {}, expected 000", sha256(&plain()));
    assert!(error.to_string().contains(&expected), "{error}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn an_announced_length_that_is_too_short_yields_no_file() {
    let server = Server::start(|_, stream| {
        stream.write_all(head("200 OK", 100, "").as_bytes())?;
        stream.write_all(&zipped())
    });
    let (reasons, left) = failure(&[&server]);
    assert!(matches!(reasons[0], Reason::Wrong { .. }), "{reasons:?}");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_huge_announced_length_changes_nothing() {
    let server = Server::start(|_, stream| {
        stream.write_all(head("200 OK", usize::MAX / 2, "").as_bytes())?;
        stream.write_all(&[7; 1 << 20])
    });
    let (reasons, left) = failure(&[&server]);
    assert!(matches!(reasons[..], [Reason::Oversized { .. }]), "{reasons:?}");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_endless_body_is_cut_off_at_the_size_of_the_manifest() {
    let server = Server::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        loop {
            stream.write_all(&[7; 1 << 16])?;
        }
    });
    let (reasons, left) = failure(&[&server]);
    let most = zipped().len() as u64;
    assert!(matches!(reasons[..], [Reason::Oversized { most: m }] if m == most), "{reasons:?}");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn after_an_error_page_the_next_mirror_is_tried() {
    let missing =
        Server::start(|_, stream| stream.write_all(head("404 Not Found", 0, "").as_bytes()));
    let whole = good_server();
    let (entry, folder) = (entry(&[&missing, &whole]), tempfile::tempdir().unwrap());
    run(&entry, folder.path()).unwrap();
    assert!(all_sound(&entry, folder.path()));
}

#[test]
fn without_a_network_the_error_names_every_url_and_the_remedy() {
    let refusing = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Server { url: format!("http://{}/", listener.local_addr().unwrap()), asked: Arc::default() }
    };
    let folder = tempfile::tempdir().unwrap();
    let error = run(&entry(&[&refusing]), folder.path()).unwrap_err().to_string();
    assert!(error.contains(&format!("{}a-images.gz: no answer", refusing.url)), "{error}");
    assert!(error.contains("copy a-images.gz there by hand"), "{error}");
}

#[test]
fn the_manifest_has_valid_urls_and_checksums() {
    for entry in coherence_data::manifest::entries() {
        assert!(entry.mirrors.len() >= 2 && entry.mirrors.iter().all(|m| m.ends_with('/')));
        for item in entry.items() {
            assert_eq!(item.sha256.len(), 64, "{}", item.name);
            assert!(item.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
            assert!(item.compressed_bytes < item.bytes);
        }
    }
}
