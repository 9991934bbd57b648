"""Drives `tunegate serve` with the official openai package, as its users do: openai_client.py BASE_URL.

Asserts what it sees and ends with an error at the first mismatch. The server must be one without jobs or files; it is
left with one job. --step-delay 5ms lets it see a training in the middle.
"""

import base64
import io
import json
import math
import struct
import sys
import time

import openai

BASE = "local-zero-shot"
EMBEDDING = "local-embedding"
RUN = {"run": "r-17", "team": "support"}

client = openai.OpenAI(base_url=sys.argv[1], api_key="sk-local", max_retries=0, timeout=30)
# Past the proxy that checks exchanges against the API description, whose reader knows no brackets in the names of a form.
unproxied = client.with_options(http_client=openai.DefaultHttpxClient(trust_env=False))


def check(condition, *seen):
    if not condition:
        raise AssertionError(" ".join(map(str, seen)))


def refused(kind, call, *parts):
    """Asserts that call raises an error of that kind, with its parts, and what clients read from it."""
    try:
        call()
    except kind as e:
        check(all(p in str(e) for p in parts), "error", e, "want", parts)
        check(e.type == "invalid_request_error" and e.request_id.startswith("req_"), "error", e.type, e.request_id)
        return e
    raise AssertionError(f"no {kind.__name__}")


def rows(n, calls=False):
    topics = [("I was charged twice for order %d", "billing"), ("where is parcel %d", "shipping"), ("I want to send item %d back", "returns")]
    for i in range(n):
        question, answer = topics[i % 3]
        if calls:
            city = ["Oslo", "Lima", "Cairo", "Quito"][i % 4]
            question = "weather in %s %s please" % (city, ["today", "tomorrow", "on Monday"][i % 3])
            call = {"name": "weather", "arguments": json.dumps({"city": city})}
            reply = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_%d" % i, "type": "function", "function": call}]}
        else:
            question, reply = question % i, {"role": "assistant", "content": answer}
        yield json.dumps({"messages": [{"role": "system", "content": "Help."}, {"role": "user", "content": question}, reply]}) + "\n"


def jsonl(n, calls=False):
    return "".join(rows(n, calls)).encode()


def wait(job):
    seen = set()
    deadline = time.time() + 120
    while job.status not in ("succeeded", "failed", "cancelled"):
        check(time.time() < deadline, "job is still", job.status)
        seen.add(job.status)
        time.sleep(0.02)
        job = client.fine_tuning.jobs.retrieve(job.id)
    return job, seen


# Files.
training = client.files.create(file=("train.jsonl", jsonl(300)), purpose="fine-tune")
validation = unproxied.files.create(file=("valid.jsonl", jsonl(30)), purpose="fine-tune", expires_after={"anchor": "created_at", "seconds": 3600})
check(training.filename == "train.jsonl" and training.bytes == len(jsonl(300)) and training.status == "processed", training)
check(validation.expires_at == validation.created_at + 3600, validation)
check(client.files.retrieve(training.id) == training, "retrieve differs")
check(client.files.content(training.id).read() == jsonl(300), "content differs")
extra = [client.files.create(file=io.BytesIO(b"{}\n"), purpose="fine-tune").id for _ in range(3)]
check([f.id for f in client.files.list(limit=2)] == extra[::-1] + [validation.id, training.id], "files listed in pages of 2")
for f in client.files.list(limit=1, purpose="fine-tune"):  # the next page is asked for after a file that is gone
    if f.id in extra:
        check(client.files.delete(f.id).deleted, f.id)
check([f.id for f in client.files.list(order="asc")] == [training.id, validation.id], "files after deletion")
refused(openai.NotFoundError, lambda: client.files.retrieve(extra[0]), "No such File object")
refused(openai.BadRequestError, lambda: client.files.create(file=b"x", purpose="vision"), "vision")

# A file in parts.
big = jsonl(240, calls=True)
upload = client.uploads.upload_file_chunked(file=big, filename="calls.jsonl", bytes=len(big), mime_type="application/jsonl", purpose="fine-tune", part_size=8192)
check(upload.status == "completed" and upload.file.bytes == len(big), upload)
check(client.files.content(upload.file.id).read() == big, "content of the upload differs")
dropped = client.uploads.create(filename="x.jsonl", bytes=4, mime_type="application/jsonl", purpose="fine-tune")
part = client.uploads.parts.create(dropped.id, data=b"ab")
refused(openai.BadRequestError, lambda: client.uploads.complete(dropped.id, part_ids=[part.id]), "2 bytes long")
check(client.uploads.cancel(dropped.id).status == "cancelled", "not cancelled")

# Jobs.
job = client.fine_tuning.jobs.create(
    model=BASE, training_file=training.id, validation_file=validation.id, suffix="router", seed=7, metadata=RUN,
    method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3, "batch_size": "auto", "learning_rate_multiplier": 0.8}}})
check(job.status in ("validating_files", "queued", "running") and job.metadata == RUN and job.seed == 7, job)
check(job.method.supervised.hyperparameters.n_epochs == 3 and job.method.supervised.hyperparameters.batch_size == "auto", job.method)
calling = client.fine_tuning.jobs.create(model=BASE, training_file=upload.file.id)
job, states = wait(job)
check(job.status == "succeeded" and job.error is None and job.trained_tokens > 0 and job.finished_at >= job.created_at, job)
check(states <= {"validating_files", "queued", "running"}, states)
calling, _ = wait(calling)
check(calling.status == "succeeded" and calling.fine_tuned_model != job.fine_tuned_model, calling)
check([j.id for j in client.fine_tuning.jobs.list(metadata=RUN)] == [job.id], "list by metadata")
check([j.id for j in client.fine_tuning.jobs.list(metadata={"run": "other"})] == [], "list by other metadata")
check([j.id for j in client.fine_tuning.jobs.list(limit=1)] == [calling.id, job.id], "list in pages of 1")
refused(openai.BadRequestError, lambda: client.fine_tuning.jobs.cancel(job.id), "already completed")
refused(openai.BadRequestError, lambda: client.fine_tuning.jobs.create(model="gpt-4.1", training_file=training.id), BASE)

events = list(client.fine_tuning.jobs.list_events(job.id, limit=6))
check(len({e.id for e in events}) == len(events) > 20, len(events), "events")
check(events[0].message.startswith("The job has success") and events[-1].message.startswith("Created"), events[0], events[-1])
steps = [e.data["step"] for e in events if e.type == "metrics"]
check(steps == sorted(steps, reverse=True) and all(math.isfinite(e.data["train_loss"]) for e in events if e.type == "metrics"), steps)
points = list(client.fine_tuning.jobs.checkpoints.list(job.id))
check([p.fine_tuned_model_checkpoint for p in points] == [job.fine_tuned_model] and points[0].step_number == steps[0], points)

failing = client.fine_tuning.jobs.create(model=BASE, training_file=client.files.create(file=("few.jsonl", jsonl(9)), purpose="fine-tune").id)
failing, _ = wait(failing)
check(failing.status == "failed" and failing.error.code == "invalid_training_file" and "at least 10" in failing.error.message, failing)

# Chat.
ask = [{"role": "system", "content": "Help."}, {"role": "user", "content": "where is parcel 4711"}]
reply = client.chat.completions.create(model=job.fine_tuned_model, messages=ask, temperature=0, seed=1, max_completion_tokens=50)
check(reply.choices[0].message.content == "shipping" and reply.choices[0].finish_reason == "stop", reply)
check(reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 10, reply.usage)
parts = [{"role": "user", "content": [{"type": "text", "text": "where is "}, {"type": "text", "text": "parcel 4711"}]}]
several = client.chat.completions.create(model=job.fine_tuned_model, messages=parts, n=3)
check([c.message.content for c in several.choices] == ["shipping"] * 3 and [c.index for c in several.choices] == [0, 1, 2], several)
chunks = list(client.chat.completions.create(model=job.fine_tuned_model, messages=ask, stream=True, stream_options={"include_usage": True}))
check("".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "shipping", chunks)
check(chunks[0].choices[0].delta.role == "assistant" and chunks[-2].choices[0].finish_reason == "stop", chunks)
check(chunks[-1].usage == reply.usage and chunks[-1].choices == [] and chunks[0].usage is None, chunks[-1])
check(len({c.id for c in chunks}) == 1, "chunks of several replies")

# Tool calls: of a model that was trained on them, of the base model, streamed, and answered.
city = [{"role": "system", "content": "Help."}, {"role": "user", "content": "weather in Oslo tomorrow please"}]
tools = [
    {"type": "function", "function": {"name": "weather", "description": "the weather in a city", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}},
    {"type": "function", "function": {"name": "play_music", "description": "play a song", "parameters": {"type": "object", "properties": {}}}}]
reply = client.chat.completions.create(model=calling.fine_tuned_model, messages=city, tools=tools)
call = reply.choices[0].message.tool_calls[0]
check(reply.choices[0].finish_reason == "tool_calls" and reply.choices[0].message.content is None, reply)
check(call.function.name == "weather" and json.loads(call.function.arguments) == {"city": "Oslo"}, call)
with client.chat.completions.stream(model=calling.fine_tuned_model, messages=city, tools=tools) as stream:
    streamed = stream.get_final_completion().choices[0]
check(streamed.finish_reason == "tool_calls" and streamed.message.tool_calls[0].function.arguments == call.function.arguments, streamed)
reply = client.chat.completions.create(model=BASE, messages=city, tools=tools)
check(reply.choices[0].message.tool_calls[0].function.name == "weather", reply)
reply = client.chat.completions.create(model=BASE, messages=city, tools=tools, tool_choice={"type": "function", "function": {"name": "play_music"}})
check(reply.choices[0].message.tool_calls[0].function.name == "play_music", reply)
reply = client.chat.completions.create(model=calling.fine_tuned_model, messages=city, tools=tools, tool_choice="none")
check(reply.choices[0].message.tool_calls is None and "Oslo" in reply.choices[0].message.content, reply)
answered = city + [{"role": "assistant", "tool_calls": [call.to_dict()]}, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
reply = client.chat.completions.create(model=BASE, messages=answered, tools=tools)
check(reply.choices[0].message.tool_calls is None, reply)
refused(openai.NotFoundError, lambda: client.chat.completions.create(model="gpt-4.1", messages=ask), "gpt-4.1")
refused(openai.BadRequestError, lambda: client.chat.completions.create(model=BASE, messages=[{"role": "narrator", "content": "x"}]), "narrator")

# Embeddings: the package asks for base64 by itself.
texts = ["where is my parcel", "where is the parcel", "refund please"]
plain = client.embeddings.create(model=EMBEDDING, input=texts, encoding_format="float")
default = client.embeddings.create(model=EMBEDDING, input=texts)
vectors = [e.embedding for e in default.data]
check(all(math.isclose(a, b, abs_tol=1e-6) for e, v in zip(plain.data, vectors) for a, b in zip(e.embedding, v, strict=True)) and [e.index for e in default.data] == [0, 1, 2], "float and base64 differ")
coded = client.embeddings.create(model=EMBEDDING, input=texts[0], encoding_format="base64").data[0].embedding
check(list(struct.unpack("<%df" % len(vectors[0]), base64.b64decode(coded))) == vectors[0], "base64 differs")
near, far = (sum(a * b for a, b in zip(vectors[0], v)) for v in vectors[1:])
check(near > far and abs(sum(x * x for x in vectors[0]) - 1) < 1e-5, near, far)
check(len(client.embeddings.create(model=EMBEDDING, input="x y", dimensions=64).data[0].embedding) == 64, "dimensions")

# Models.
check({m.id for m in client.models.list()} == {BASE, EMBEDDING, job.fine_tuned_model, calling.fine_tuned_model}, "models")
check(client.models.retrieve(calling.fine_tuned_model).id == calling.fine_tuned_model, "retrieve")
check(client.models.delete(calling.fine_tuned_model).deleted, "delete")
for gone in (lambda: client.models.retrieve(calling.fine_tuned_model), lambda: client.models.delete(calling.fine_tuned_model),
             lambda: client.chat.completions.create(model=calling.fine_tuned_model, messages=city)):
    refused(openai.NotFoundError, gone, calling.fine_tuned_model)
refused(openai.PermissionDeniedError, lambda: client.models.delete(BASE), BASE)

# A job that is cancelled.
job = client.fine_tuning.jobs.create(model=BASE, training_file=training.id, hyperparameters={"n_epochs": 50})
job = client.fine_tuning.jobs.cancel(job.id)
check(job.status == "cancelled" and client.fine_tuning.jobs.retrieve(job.id).status == "cancelled", job)
print("openai %s: every call behaves as expected" % openai.__version__)
