//! `cargo bench --bench sasrec`: how fast the teacher learns and answers on this machine's processor.
//!
//! A world of invented films, one epoch to warm up, then whole runs; median and spread of each figure.

use tiller::data::split::Split;
use tiller::data::synth::{SynthConfig, generate};
use tiller::run::folder::RunFolder;
use tiller::run::progress::Progress;
use tiller::teacher::evaluate::evaluate;
use tiller::teacher::train::TeacherTrainer;
use tiller::teacher::{Teacher, TeacherConfig};

const RUNS: usize = 5;

fn main() -> tiller::Result<()> {
    let (dataset, _) = generate(&SynthConfig::default(), "films")?;
    let device = tiller_kernels::open("cpu")?;
    println!("{}; {} users, {} items", device.description, dataset.users.len(), dataset.catalogue.len());

    let (mut learning, mut answering) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let folder = tempfile::tempdir().map_err(tiller::Error::io("a temporary folder", "create"))?;
        let config = TeacherConfig { epochs: 1, ..TeacherConfig::default() };
        let mut run_folder = RunFolder::create(folder.path(), &config)?;
        let summary = TeacherTrainer::fresh(&dataset, &config, &mut run_folder, &device.device)?.run(|| false)?;
        let teacher = Teacher::load(folder.path(), &dataset, &device.device)?;
        let evaluation = evaluate(&teacher, &dataset, Split::Test, &Progress::silent())?;
        let warm = run > 0;
        if warm {
            learning.push(summary.examples_per_second);
            answering.push(evaluation.users_per_second);
        }
    }
    println!("train   {} examples/s", median_and_spread(learning));
    println!("answer  {} users/s (full ranking)", median_and_spread(answering));
    Ok(())
}

fn median_and_spread(mut figures: Vec<f64>) -> String {
    figures.sort_by(f64::total_cmp);
    format!("{:.0} ({:.0} to {:.0})", figures[figures.len() / 2], figures[0], figures[figures.len() - 1])
}
