"""Two small tokenizers, each as tokenizer.json and as GGUF, and the ids that the `tokenizers` library gives for awkward texts.

Usage: python generate.py FOLDER (needs tokenizers 0.23 and gguf 0.19)
"""
import json
import sys
from pathlib import Path

from gguf import GGUFWriter, TokenType
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = """The quick brown fox jumps over the lazy dog. Recommend ten films for a rainy evening, please!
1. The Third Man 2. The Thin Man 3. The Man in the Moon; the list has three men, and the rest of them are women.
A list of comedies (1994, 2003 and 2015): the more the merrier. I'm sure they're here, we've seen them, she'd say.
Cafés naïve über straße señor — “quotes” … Москва и любовь 東京物語 千と千尋 🎬🎬 of 100% of them\n\n\tindented\n  lines
the the the then there these other mother another recommend recommended recommending comedy comedies drama dramas""".split("\n")

TEXTS = [
    "", " ", "  ", "a", " a", "The Third Man", " The Third Man ", "the  list   of    comedies", "1994", "x123y 45", "100%",
    "I'm sure THEY'RE here, we'VE", "line\nline\r\n\r\n  line\n", "\t\ttabs\t", "Cafés naïve — “quotes” …", "Cafe\u0301s",
    "Москва", "東京物語", "🎬 film 👩\u200d👩\u200d👧", "\u00a0non\u2003breaking", "a\u0000b\u007f", "½ ² Ⅷ ٣",
    "<|im_start|>user\nten films<|im_end|>\n", "end</s><s> begin", "<|im_end|", "▁already▁there", "<0x41>", "\ufffd", "zqxj" * 8,
]  # fmt: skip


def special(text):
    return AddedToken(text, special=True, normalized=False)


def byte_level():
    """As SmolLM2: every digit alone, then GPT-2's words over bytes; control tokens within the vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    controls = [special(t) for t in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")]
    trainer = trainers.BpeTrainer(
        vocab_size=480, special_tokens=controls, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def sentence_piece():
    """As Llama 2: characters, spaces as U+2581, single bytes as the last resort; BOS in front of every text."""
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trained.normalizer = normalizer
    trained.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    letters = sorted({c for line in CORPUS for c in line if c.isascii() and c.isprintable() and c != " "} | {"▁"})
    trainer = trainers.BpeTrainer(vocab_size=220, initial_alphabet=letters, limit_alphabet=len(letters), show_progress=False)
    trained.train_from_iterator(CORPUS, trainer)
    model = json.loads(trained.to_str())["model"]
    merged = ["".join(m) for m in model["merges"]]
    # SentencePiece's order: controls, bytes, merged pieces from the first merge on, characters.
    texts = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + merged
    texts += [t for t in sorted(model["vocab"]) if t not in texts]
    vocab = {t: i for i, t in enumerate(texts)}
    # Scores fall with the rank; from them come the merges, all ways to make a piece at the piece's score.
    scores = [0.0] * 259 + [-float(i) for i in range(len(texts) - 259)]
    merges = []
    for t in texts[259:]:
        merges += [(t[:i], t[i:]) for i in range(1, len(t)) if vocab.get(t[:i], 0) > 258 and vocab.get(t[i:], 0) > 258]
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([special(t) for t in ("<unk>", "<s>", "</s>")])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer, scores


def write_gguf(path, tokenizer, kind, **keys):
    tokens = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    assert [i for _, i in tokens] == list(range(len(tokens)))
    controls = {t.content for t in tokenizer.get_added_tokens_decoder().values()}
    types = [
        TokenType.UNKNOWN if t == "<unk>" else TokenType.CONTROL if t in controls
        else TokenType.BYTE if len(t) == 6 and t.startswith("<0x") else TokenType.NORMAL
        for t, _ in tokens
    ]  # fmt: skip
    writer = GGUFWriter(path, "llama")
    writer.add_tokenizer_model(kind)
    writer.add_token_list([t for t, _ in tokens])
    writer.add_token_types(types)
    for key, value in keys.items():
        getattr(writer, "add_" + key)(value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def expected(tokenizer):
    rows = []
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        rows.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=True)})
    return rows


def main(out):
    smol = byte_level()
    smol.save(str(out / "byte_level.json"))
    merges = [" ".join(m) for m in json.loads(smol.to_str())["model"]["merges"]]
    write_gguf(
        out / "byte_level.gguf", smol, "gpt2", tokenizer_pre="smollm", token_merges=merges,
        bos_token_id=1, eos_token_id=2, add_bos_token=False,
    )  # fmt: skip
    llama, scores = sentence_piece()
    llama.save(str(out / "sentence_piece.json"))
    write_gguf(
        out / "sentence_piece.gguf", llama, "llama", token_scores=scores, bos_token_id=1, eos_token_id=2, unk_token_id=0
    )
    table = {"byte_level": expected(smol), "sentence_piece": expected(llama)}
    (out / "expected.json").write_text(json.dumps(table, indent=1))


main(Path(sys.argv[1]))
