"""Uses OpenAI's own client the ways people do; every assertion is about what that client made of an answer.

    openai_client.py BASE_URL API_KEY
"""
import sys

import openai

base_url, key = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)
model = client.models.list().data[0]
assert model.id == "tiny" and model.owned_by == "vllm", model
greedy = {"model": "tiny", "max_tokens": 12, "temperature": 0, "extra_body": {"ignore_eos": True}}
usage = {"stream": True, "stream_options": {"include_usage": True}}



def counts(answer):
    return answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens


# Completions: whole, streamed, with log-probabilities, from ids, several at once, echoed, stopped.
whole = client.completions.create(prompt="Once upon a time", logprobs=2, **greedy)
choice = whole.choices[0]
assert choice.finish_reason == "length" and whole.usage.completion_tokens == 12, whole
assert "".join(choice.logprobs.tokens) == choice.text and len(choice.logprobs.top_logprobs[0]) == 2, choice
events = list(client.completions.create(prompt="Once upon a time", **usage, **greedy))
assert "".join(event.choices[0].text for event in events[:-1]) == choice.text
assert events[-2].choices[0].finish_reason == "length" and counts(events[-1]) == counts(whole), events[-1]
ids = client.completions.create(prompt=[300, 301, 302], **greedy)
assert ids.usage.prompt_tokens == 3
several = client.completions.create(prompt=["one", "two"], **greedy)
assert [item.index for item in several.choices] == [0, 1] and several.usage.completion_tokens == 24
sampled = client.completions.create(prompt="one", n=3, seed=1, **{**greedy, "temperature": 1})
assert len({item.text for item in sampled.choices}) == 3
echoed = client.completions.create(prompt="Once upon a time", echo=True, **greedy)
assert echoed.choices[0].text == "Once upon a time" + choice.text
word = choice.logprobs.tokens[5]
stopped = client.completions.create(prompt="Once upon a time", stop=[word], **greedy).choices[0]
assert stopped.finish_reason == "stop" and choice.text.startswith(stopped.text) and word not in stopped.text

# Chat: whole, streamed, with log-probabilities.
messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello!"}]
chat = client.chat.completions.create(messages=messages, logprobs=True, top_logprobs=2, **greedy)
answer = chat.choices[0]
assert answer.message.role == "assistant" and chat.usage.completion_tokens == 12, chat
assert "".join(item.token for item in answer.logprobs.content) == answer.message.content
assert len(answer.logprobs.content[0].top_logprobs) == 2
chunks = list(client.chat.completions.create(messages=messages, **usage, **greedy))
assert chunks[0].choices[0].delta.role == "assistant" and chunks[-1].usage.completion_tokens == 12
assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == answer.message.content
with client.chat.completions.stream(messages=messages, **greedy) as stream:
    deltas = [event.delta for event in stream if event.type == "content.delta"]
    assert "".join(deltas) == answer.message.content


def refuses(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


# Errors become the client's own kinds.
refuses(openai.NotFoundError, lambda: client.completions.create(model="nope", prompt="x"))
error = refuses(openai.BadRequestError, lambda: client.completions.create(prompt=[7] * 5000, **greedy))
assert "maximum context length is 4096" in error.message, error
stranger = openai.OpenAI(base_url=base_url, api_key="wrong", max_retries=0)
refuses(openai.AuthenticationError, stranger.models.list)
print("ok")
