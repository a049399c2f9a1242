//! Trains a SASRec teacher on synthetic interactions and asks it for the next items of a user.
//!
//! ```console
//! $ cargo run --release --example teacher
//! ```

use tiller::data::synth;
use tiller::prelude::*;

/// Trains a teacher and prints five items.
pub fn main() -> Result<()> {
    let device = Device::flex();
    let (films, _) = synth::generate(&SynthConfig { users: 200, items: 80, ..SynthConfig::default() }, "films")?;

    let folder = tempfile::tempdir().map_err(Error::io("a temporary folder", "create"))?;
    let config = TeacherConfig { epochs: 5, ..TeacherConfig::default() };
    let mut run = RunFolder::create(folder.path(), &config)?;
    let summary = TeacherTrainer::fresh(&films, &config, &mut run, &device)?.run(|| false)?;
    println!("trained {} epochs, {:.0} examples/s", summary.epochs, summary.examples_per_second);

    let teacher = Teacher::load(folder.path(), &films, &device)?;
    let user = &films.users[0];
    let query = TopKQuery { history: &user.items, scope: ItemScope::Unrestricted, k: 5 };
    println!("next for user {}:", user.key);
    for id in teacher.top_k(&[query])?.concat() {
        println!("  {}", films.catalogue.title(id));
    }
    Ok(())
}
