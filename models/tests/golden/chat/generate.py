"""What `transformers` makes of the templates in this folder: expected.json.

Usage: python generate.py FOLDER (needs transformers 5.23)
"""
import json
import sys
from pathlib import Path

from transformers.utils.chat_template_utils import render_jinja_template

SYSTEM = {"role": "system", "content": "You recommend films. "}
ASK = {"role": "user", "content": " Ten films like 'Heat' → no <b>horror</b>, please\n"}
ANSWER = {"role": "assistant", "content": "<think>\nhm\n</think>\n\n1. Ronin (1998)\n 2. \"Alien\u00b3\"\n"}
LOUD = {"role": "user", "content": "LOUD\r\nß and {{ braces }} {% raw %}"}
CONVERSATIONS = [[ASK], [SYSTEM, ASK], [SYSTEM, ASK, ANSWER], [SYSTEM, ASK, ANSWER, LOUD], [ASK, ASK], [ASK, ANSWER, SYSTEM, LOUD]]


def main(folder):
    rows = []
    for path in sorted(folder.glob("*.jinja")):
        for messages in CONVERSATIONS:
            for prompt in (False, True):
                try:
                    [text], _ = render_jinja_template(
                        [messages], chat_template=path.read_text(), add_generation_prompt=prompt, bos_token="<s>", eos_token="</s>"
                    )
                    result = {"text": text}
                except Exception as error:
                    result = {"error": str(error)}
                turns = [[m["role"], m["content"]] for m in messages]
                rows.append({"template": path.name, "messages": turns, "prompt": prompt, **result})
    (folder / "expected.json").write_text(json.dumps(rows, indent=1))


main(Path(sys.argv[1]))
