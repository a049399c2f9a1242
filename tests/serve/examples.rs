//! The examples of docs/serving.md run against a server.

use std::path::Path;
use std::process::Command;

use super::{model, world};

/// The only block of a language in docs/serving.md, for a server at `address`.
fn example(language: &str, address: &str) -> String {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/serving.md");
    let text = std::fs::read_to_string(document).unwrap();
    let blocks: Vec<&str> = text.split(&format!("```{language}\n")).skip(1).collect();
    let [block] = blocks[..] else { panic!("{} blocks of {language}", blocks.len()) };
    let block = block.split("```").next().unwrap();
    assert!(block.contains("127.0.0.1:7878"));
    block.replace("127.0.0.1:7878", address)
}

#[test]
fn the_python_and_the_curl_example_get_their_lists() {
    let served = model();
    for (language, program, argument) in [("python", "python3", "-c"), ("sh", "sh", "-c")] {
        let script = example(language, &served.address);
        let output = Command::new(program).args([argument, &script]).current_dir(world()).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
        match language {
            "python" => assert!(printed.lines().count() >= 8 && printed.contains("\n3. "), "{printed}"),
            _ => {
                let list: serde_json::Value = serde_json::from_str(&printed).unwrap();
                super::expect_valid(&list);
            }
        }
    }
}
