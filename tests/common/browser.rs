//! A headless Chromium, steered through WebDriver.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A browser with one page; it ends with the value.
pub struct Browser {
    driver: Child,
    session: String,
}

/// A running chromedriver and its port; `None` where it ended without one.
fn driver() -> Option<(Child, String)> {
    let next = "chromedriver is needed: tests/run.sh installs it (Debian: chromium chromium-driver)";
    let mut driver = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn().expect(next);
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
    let port = lines.find_map(|line| {
        let rest = line.split("successfully on port ").nth(1)?;
        Some(rest.trim_end_matches('.').to_owned())
    });
    let Some(port) = port else {
        driver.wait().unwrap();
        return None;
    };
    // What it prints later has to go somewhere.
    std::thread::spawn(move || lines.for_each(drop));
    Some((driver, port))
}

impl Browser {
    /// Starts chromedriver, and a browser of it.
    pub fn start() -> Self {
        // It takes a free port of IPv4, and ends where another program took the same one of IPv6 meanwhile.
        let (driver, port) = (0..5).find_map(|_| driver()).expect("chromedriver took no port in five attempts");
        let mut browser = Self { driver, session: format!("http://127.0.0.1:{port}/session") };
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1440,1000"];
        let logs = json!({ "browser": "ALL", "performance": "ALL" });
        let wanted = json!({ "goog:chromeOptions": { "args": arguments }, "goog:loggingPrefs": logs });
        let started = browser.call("POST", "", &json!({ "capabilities": { "alwaysMatch": wanted } }));
        browser.session += &format!("/{}", started["sessionId"].as_str().unwrap());
        browser
    }

    /// Opens an address.
    pub fn open(&self, url: &str) {
        self.call("POST", "/url", &json!({ "url": url }));
    }

    /// The value of the body of a function in the page.
    pub fn run(&self, script: &str) -> Value {
        self.call("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until the value of an expression is true.
    #[track_caller]
    pub fn wait_for(&self, expression: &str) {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while self.run(&format!("return Boolean({expression})")) != true {
            let shown = self.run("return document.body.innerText");
            assert!(
                std::time::Instant::now() < until,
                "{expression} never came true:\n{}",
                shown.as_str().unwrap_or("")
            );
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Types into the element of a selector, as a person does; `\u{e007}` is Enter.
    pub fn write(&self, selector: &str, text: &str) {
        let element = self.call("POST", "/element", &json!({ "using": "css selector", "value": selector }));
        let id = element.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        self.call("POST", &format!("/element/{id}/value"), &json!({ "text": text }));
    }

    /// Clicks the element of a selector.
    pub fn click(&self, selector: &str) {
        let element = self.call("POST", "/element", &json!({ "using": "css selector", "value": selector }));
        let id = element.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        self.call("POST", &format!("/element/{id}/click"), &json!({}));
    }

    /// The messages of the console since the last call.
    pub fn console(&self) -> Vec<Value> {
        self.call("POST", "/se/log", &json!({ "type": "browser" })).as_array().cloned().unwrap_or_default()
    }

    /// The addresses that the page has requested since the last call.
    pub fn requested(&self) -> Vec<String> {
        let events = self.call("POST", "/se/log", &json!({ "type": "performance" }));
        let url = |event: &Value| {
            let message: Value = serde_json::from_str(event["message"].as_str()?).ok()?;
            let is_request = message["message"]["method"] == "Network.requestWillBeSent";
            is_request.then(|| message["message"]["params"]["request"]["url"].as_str().map(str::to_owned))?
        };
        events.as_array().into_iter().flatten().filter_map(url).collect()
    }

    /// The value of a WebDriver call.
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let url = format!("{}{path}", self.session);
        let response = match method {
            "DELETE" => agent.delete(&url).call(),
            _ => agent.post(&url).header("content-type", "application/json").send(body.to_string()),
        };
        let text = response.unwrap().body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert!(answer["value"]["error"].is_null(), "{method} {path} {body}: {answer:#}");
        answer["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.call("DELETE", "", &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
