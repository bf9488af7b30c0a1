//! A browser without a window, driven over a pipe by the DevTools protocol: JSON messages, each ended by
//! a zero byte, on the file descriptors 3 and 4 of the browser.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Names under which Chromium is installed.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// The most that a page may take to load or to do what is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The browser named by `COHERENCE_BROWSER`, or one that is found on the path.
///
/// `None`, with a message, when there is none and the variable is not `required`.
#[allow(clippy::print_stderr, reason = "a test that does not run says so")]
pub(crate) fn find() -> Option<PathBuf> {
    let wanted = std::env::var("COHERENCE_BROWSER").unwrap_or_default();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let found = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    match wanted.as_str() {
        "" | "required" => {
            let found = found.into_iter().find(|file| file.is_file());
            assert!(
                found.is_some() || wanted.is_empty(),
                "COHERENCE_BROWSER=required and no browser is found"
            );
            if found.is_none() {
                eprintln!("not tested: no browser is found; COHERENCE_BROWSER names one");
            }
            found
        }
        file => Some(PathBuf::from(file)),
    }
}

/// How the page is seen.
#[derive(Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) dark: bool,
    pub(crate) touch: bool,
}

/// One page in a browser of its own, which ends with it.
pub(crate) struct Page {
    browser: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Option<String>,
    sent: u64,
    _profile: tempfile::TempDir,
}

impl Page {
    /// Opens a file, or a file with a fragment.
    pub(crate) fn open(browser: &Path, file: &Path, fragment: &str, screen: Screen) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 1>/dev/null 2>/dev/null"])
            .arg(browser)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--remote-debugging-pipe",
                "--no-first-run",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) =
            (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut page = Self { browser: child, to, from, session: None, sent: 0, _profile: profile };
        let target = page.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = page.call("Target.attachToTarget", attach);
        page.session = session["sessionId"].as_str().map(str::to_owned);
        page.see(screen);
        let source =
            "window.faults = []; addEventListener('error', (e) => faults.push(e.message));";
        page.call("Page.enable", json!({}));
        page.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source }));
        page.call(
            "Page.navigate",
            json!({ "url": format!("file://{}{fragment}", file.display()) }),
        );
        page.wait(
            "document.readyState === 'complete' && document.querySelector('.drawing g') !== null",
        );
        page
    }

    fn see(&mut self, screen: Screen) {
        let Screen { width, height, dark, touch } = screen;
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        self.call("Emulation.setTouchEmulationEnabled", json!({ "enabled": touch }));
        let scheme = if dark { "dark" } else { "light" };
        let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": feature }));
    }

    /// Calls a method of the protocol; an answer that is an error ends the test.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut answer = Vec::new();
            self.from.read_until(0, &mut answer).unwrap();
            assert_eq!(answer.pop(), Some(0), "the browser ended before it answered {method}");
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            if answer["id"] == self.sent {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// The value of an expression of JavaScript.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub(crate) fn wait(&mut self, expression: &str) {
        let start = Instant::now();
        while self.value(expression) != json!(true) {
            assert!(start.elapsed() < PATIENCE, "this did not come true: {expression}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The middle of an element, scrolled into view.
    pub(crate) fn middle(&mut self, selector: &str) -> [f64; 2] {
        let place = self.value(&format!(
            "(() => {{ const e = document.querySelector({selector:?}); e.scrollIntoView({{ block: 'center' }}); \
             const r = e.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; }})()"
        ));
        [0, 1].map(|i| place[i].as_f64().unwrap())
    }

    pub(crate) fn mouse(&mut self, kind: &str, [x, y]: [f64; 2], pressed: bool) {
        let (button, buttons) = if pressed { ("left", 1) } else { ("none", 0) };
        let event = json!({ "type": kind, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": 1 });
        self.call("Input.dispatchMouseEvent", event);
    }

    pub(crate) fn click(&mut self, selector: &str) {
        let at = self.middle(selector);
        self.mouse("mousePressed", at, true);
        self.mouse("mouseReleased", at, true);
    }

    /// `touchStart`, `touchMove` or `touchEnd`.
    pub(crate) fn touch(&mut self, kind: &str, at: Option<[f64; 2]>) {
        let points: Vec<Value> = at.iter().map(|[x, y]| json!({ "x": x, "y": y })).collect();
        self.call("Input.dispatchTouchEvent", json!({ "type": kind, "touchPoints": points }));
    }

    pub(crate) fn press(&mut self, key: &str) {
        let text = if key.len() == 1 { json!(key) } else { Value::Null };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key });
            if kind == "keyDown" && !text.is_null() {
                event["text"] = text.clone();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // It may have ended by itself, and there is nothing to do then.
        let _ = self.browser.kill();
        let _ = self.browser.wait();
    }
}
