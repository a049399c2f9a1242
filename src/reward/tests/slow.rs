//! Generated cases against the method's text, written down once more as plainly as it reads.

use proptest::prelude::*;

use super::toy::{asked, reward, with_share};
use crate::data::{CategoryId, ItemId};
use crate::request::Request;
use crate::reward::{RewardRules, Rewards};

/// The request, beside a list of n.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Task {
    Sequential,
    More,
    Less,
    AtMost(u32),
    AtLeast(u32),
    About(u32),
}

impl Task {
    fn request(self, n: u32, history: &[u32]) -> Request {
        let mut request = match self {
            Task::Sequential => asked(n),
            Task::More => Request { all_in: vec![CategoryId(0)], ..asked(n) },
            Task::Less => Request { none_in: vec![CategoryId(0)], ..asked(n) },
            Task::AtMost(k) => with_share(n, &format!("A<={k}")),
            Task::AtLeast(k) => with_share(n, &format!("A>={k}")),
            Task::About(k) => with_share(n, &format!("A~{k}")),
        };
        request.history = history.iter().copied().map(ItemId).collect();
        request
    }
}

/// The item number of a title such as "B3", if there is one.
fn number(title: &str) -> Option<u32> {
    let of = |letter: char, first: u32| title.strip_prefix(letter)?.parse().ok().map(|n: u32| n + first);
    of('A', 0).or_else(|| of('B', 6))
}

/// The text of method §8, word by word; `is_ours` chooses method B10, method B12 and what a missing item costs.
fn slow(task: Task, n: usize, history: &[u32], target: u32, titles: &[String], is_ours: bool) -> Rewards {
    let (mut items, mut sum) = (vec![], 0.0);
    let mut seen: Vec<u32> = vec![];
    let (mut a, mut b) = (0, 0);
    let mut place_of_target = None;
    for (idx, title) in titles.iter().enumerate() {
        let number = number(title);
        let bad = idx >= n || number.is_none() || seen.contains(&number.unwrap()) || history.contains(&number.unwrap());
        seen.extend(number);
        if bad {
            items.push(-1.0);
            if idx <= n || !is_ours {
                sum += -1.0;
            }
            continue;
        }
        let number = number.unwrap();
        let is_a = number <= 6;
        if is_a {
            a += 1;
        } else {
            b += 1;
        }
        let s = if number == target { 1.0 } else { 1.0 / f64::from(number - 1 + 3).log2() };
        if number == target {
            place_of_target = Some(idx);
        }
        sum += s / (idx as f64 + 2.0).log2();
        let n = n as u32;
        let tau = match task {
            Task::Sequential => s,
            Task::More => {
                if is_a {
                    1.0
                } else {
                    0.0
                }
            }
            Task::Less => {
                if is_a {
                    0.0
                } else {
                    1.0
                }
            }
            Task::AtMost(k) if is_ours => match is_a {
                true => {
                    if a <= k {
                        0.5
                    } else {
                        0.0
                    }
                }
                false => {
                    if b <= n - k {
                        1.0
                    } else {
                        0.5
                    }
                }
            },
            Task::AtLeast(k) if is_ours => match is_a {
                true => {
                    if a <= k {
                        1.0
                    } else {
                        0.5
                    }
                }
                false => {
                    if b <= n - k {
                        0.5
                    } else {
                        0.0
                    }
                }
            },
            Task::About(k) if is_ours => match is_a {
                true => {
                    if a <= k {
                        1.0
                    } else {
                        0.0
                    }
                }
                false => {
                    if b <= n - k {
                        1.0
                    } else {
                        0.0
                    }
                }
            },
            Task::AtMost(k) => {
                if b > n - k {
                    0.5
                } else if !is_a {
                    1.0
                } else if a < k {
                    0.5
                } else {
                    0.0
                }
            }
            Task::AtLeast(k) => {
                if a > k {
                    0.5
                } else if is_a {
                    1.0
                } else if b < n - k {
                    0.5
                } else {
                    0.0
                }
            }
            Task::About(k) => {
                if is_a {
                    if a <= k { 1.0 } else { 0.0 }
                } else if a >= k {
                    1.0
                } else if b <= n - k {
                    0.5
                } else {
                    0.0
                }
            }
        };
        items.push(0.5 * s + 0.5 * tau);
    }
    let mut best = 0.0;
    for j in 0..n {
        best += 1.0 / ((j as f64 + 2.0).log2() * (j as f64 + 2.0).log2());
    }
    let lacking = if is_ours { n.saturating_sub(titles.len()) as f64 } else { 0.0 };
    sum -= lacking;
    let n = n as i32;
    let (a, b) = (a as i32, b as i32);
    let of_a_new = 6 - history.iter().filter(|&&item| item <= 6).count() as i32;
    let missed = |by: i32| 1.0 / (f64::from(by.max(0)) + 1.0);
    let q = match task {
        Task::Sequential => place_of_target.map_or(0.0, |place| 1.0 / (place as f64 + 2.0).log2()),
        Task::More => missed(n.min(of_a_new) - a),
        Task::Less => missed(n - b),
        Task::AtMost(k) if is_ours => missed(n - k as i32 - b),
        Task::AtLeast(k) => missed(k as i32 - a),
        Task::About(k) if is_ours => missed((k as i32 - a).max(0) + (n - k as i32 - b).max(0)),
        Task::AtMost(k) => missed(a - k as i32),
        Task::About(k) => missed((a - k as i32).abs()),
    };
    Rewards { items, missing: -lacking, list: 10.0 * (0.5 * sum / best + 0.5 * q), gains: vec![] }
}

fn cases() -> impl Strategy<Value = (Task, u32, Vec<u32>, u32, Vec<String>)> {
    let task = (0..6u32, 0..13u32);
    (task, 1..9u32, prop::collection::hash_set(1..13u32, 0..5), 1..13u32, prop::collection::vec(0..14u32, 0..12))
        .prop_map(|((form, amount), n, history, target, picks)| {
            let k = amount % (n + 1);
            let task = [Task::Sequential, Task::More, Task::Less, Task::AtMost(k), Task::AtLeast(k), Task::About(k)];
            let title = |pick: u32| match pick {
                1..=6 => format!("A{pick}"),
                7..=12 => format!("B{}", pick - 6),
                _ => "nope".to_owned(),
            };
            (task[form as usize], n, history.into_iter().collect(), target, picks.into_iter().map(title).collect())
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn rewards_are_those_of_the_methods_text((task, n, history, target, titles) in cases()) {
        let target_title = if target <= 6 { format!("A{target}") } else { format!("B{}", target - 6) };
        for (is_ours, rules) in [(true, RewardRules::default()), (false, RewardRules::paper())] {
            let expected = slow(task, n as usize, &history, target, &titles, is_ours);
            let found = reward(&task.request(n, &history), Some(&target_title), &titles.join(" "), &rules);
            prop_assert_eq!(found.items, expected.items);
            prop_assert_eq!(found.missing, expected.missing);
            let mut nothing = 0.0;
            for lines in 0..=titles.len() {
                // What the lines so far are worth together is what they are worth as a list without a cost of lacking items.
                let lenient = RewardRules { missing: false, ..rules.clone() };
                let worth = |lines: usize| reward(&task.request(n, &history), Some(&target_title), &titles[..lines].join(" "), &lenient).list;
                nothing = if lines == 0 { worth(0) } else { nothing };
                prop_assert!((nothing + found.gains[..lines].iter().sum::<f64>() - worth(lines)).abs() < 1e-9);
            }
            prop_assert!((found.list - expected.list).abs() < 1e-12, "{} is not {}", found.list, expected.list);
        }
    }
}
