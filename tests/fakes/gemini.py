"""Google's Gemini API as far as embeddings and one-shot generation go: keys, models, limits, errors.

Written after ai.google.dev, "Embeddings API: batchEmbedContents", "Generating content: generateContent", "Structured
outputs", "Image understanding" and "Rate limits"; error bodies after cloud.google.com, "AIP-193: errors" with
google.rpc's RetryInfo, QuotaFailure and ErrorInfo.
Vectors are those of the hashing embedder, so that relevance can be tested, but three times as long as they should be.
What is generated comes from `replies`, else from `think`, a function of the test's.
"""

import base64
import binascii
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from catalog.embedders.hashing import HashingEmbedder
from tests.sample_shop import Answer

KEY = "AIzaSyTestKeyOfGemini"
JSON = {"Content-Type": "application/json; charset=UTF-8"}
LENGTH = 3.0
MAX_REQUESTS = 100
TASK_TYPES = frozenset(
    {
        "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION", "CLUSTERING",
        "QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY",
    }
)  # fmt: skip
_PATH = re.compile(r"/(v1|v1beta)/models/([\w.-]+):(batchEmbedContents|generateContent)")
_PREFIXES = re.compile(r"^(task: search result \| query: |title: )|(?<=.)\| text: ")

PICTURE_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
MAX_REQUEST_BYTES = 20 * 1024 * 1024
# Of JSON Schema, what the API knows; others are refused.
SCHEMA_KEYS = frozenset(
    {
        "$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems",
        "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties",
        "required", "propertyOrdering", "nullable",
    }
)  # fmt: skip

Spoil = Callable[[list[list[float]]], list[list[float]]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came over the wire."""

    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    size_bytes: int = 0
    at: float = field(default_factory=time.monotonic)

    @property
    def texts(self) -> list[str]:
        """The texts that were to be embedded."""
        return [request["content"]["parts"][0]["text"] for request in self.body["requests"]]

    @property
    def instruction(self) -> str:
        """What generateContent was told to do."""
        return "".join(part["text"] for part in self.body.get("systemInstruction", {}).get("parts", []))

    @property
    def parts(self) -> list[Mapping[str, Any]]:
        """What generateContent was given to do it with."""
        return [part for content in self.body["contents"] for part in content["parts"]]

    @property
    def said(self) -> str:
        """The texts among them, a line each."""
        return "\n".join(part["text"] for part in self.parts if "text" in part)

    @property
    def pictures(self) -> list[bytes]:
        """The pictures among them."""
        return [_decoded(_inline(part)["data"]) for part in self.parts if _inline(part)]


Think = Callable[[Asked], "str | dict[str, Any] | Answer"]


@dataclass
class GeminiApi:
    """What the API knows, how it is to fail, and what it was asked."""

    embedding_models: set[str] = field(default_factory=lambda: {"gemini-embedding-001", "gemini-embedding-2"})
    generating_models: set[str] = field(default_factory=lambda: {"gemini-3.5-flash-lite"})
    failures: list[Answer] = field(default_factory=list)  # answered first, one a request
    spoil: Spoil | None = None  # what becomes of the vectors on their way
    is_slow: bool = False  # answers nothing until `released` is set
    bad_text: str = ""  # a text with this in it is refused
    replies: list[str | dict[str, Any]] = field(default_factory=list)  # of generateContent: the text, or the whole body
    think: Think | None = None  # what generateContent answers when there are no replies left
    latency_s: float = 0.0  # of each answer
    at_once: int = 0  # requests in hand
    most_at_once: int = 0
    asked: list[Asked] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin_anew(self) -> None:
        """Forget what was asked, and how to fail."""
        vars(self).update(vars(GeminiApi()))

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request as the API does."""
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self._answer(path, headers, body)
        finally:
            with self._lock:
                self.at_once = max(0, self.at_once - 1)

    def _answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        said = json.loads(body)
        asked = Asked(path, said, headers, len(body))
        self.asked.append(asked)
        if self.latency_s:
            time.sleep(self.latency_s)  # it is the other side's slowness that is measured
        if self.is_slow:
            self.released.wait(30)
        if self.failures:
            return self.failures.pop(0)
        if headers.get("x-goog-api-key") != KEY:
            return bad_key()
        known = _PATH.fullmatch(path)
        if known is None:
            return 404, {"Content-Type": "text/html"}, b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>"
        _, model, method = known.groups()
        embeds = method == "batchEmbedContents"
        if model not in (self.embedding_models if embeds else self.generating_models):
            return error(
                404,
                "NOT_FOUND",
                f"models/{model} is not found for API version v1beta, or is not supported for {method}.",
            )
        return self._embeddings(model, said) if embeds else self._generated(model, asked)

    def _embeddings(self, model: str, said: Mapping[str, Any]) -> Answer:
        requests = said.get("requests", [])
        problem = _problem(requests, model) or (
            self.bad_text and any(self.bad_text in it["content"]["parts"][0]["text"] for it in requests) and "bad text"
        )
        if problem:
            return error(400, "INVALID_ARGUMENT", f"* BatchEmbedContentsRequest.requests: {problem}")
        texts = [_PREFIXES.sub("", part["text"]) for it in requests for part in it["content"]["parts"]]
        vectors = [(row * LENGTH).tolist() for row in HashingEmbedder().embed(texts)]
        if self.spoil is not None:
            vectors = self.spoil(vectors)
        return 200, JSON, json.dumps({"embeddings": [{"values": vector} for vector in vectors]}).encode()

    def _generated(self, model: str, asked: Asked) -> Answer:
        problem = _generating_problem(asked)
        if problem:
            return error(400, "INVALID_ARGUMENT", f"* GenerateContentRequest.{problem}")
        if self.bad_text and self.bad_text in asked.said:
            return error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        reply: str | dict[str, Any] | Answer = "{}"
        if self.replies:
            reply = self.replies.pop(0)
        elif self.think is not None:
            reply = self.think(asked)
        if isinstance(reply, tuple):
            return reply
        return 200, JSON, json.dumps(reply if isinstance(reply, dict) else written(reply, model=model)).encode()


def written(
    text: str, *, ended: str = "STOP", model: str = "gemini-3.5-flash-lite", tokens: int = 10
) -> dict[str, Any]:
    """Return the body of an answer: a text, and why the model stopped."""
    return {
        "candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": ended, "index": 0}],
        "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": tokens, "totalTokenCount": 100 + tokens},
        "modelVersion": model,
        "responseId": "r1",
    }


def blocked_prompt(reason: str = "PROHIBITED_CONTENT") -> dict[str, Any]:
    """Return what is said of a prompt that the API does not look at."""
    return {
        "promptFeedback": {"blockReason": reason},
        "usageMetadata": {"promptTokenCount": 100, "totalTokenCount": 100},
        "modelVersion": "gemini-3.5-flash-lite",
    }


def blocked_answer(reason: str = "SAFETY") -> dict[str, Any]:
    """Return an answer that is kept back: SAFETY, RECITATION, PROHIBITED_CONTENT and the like."""
    body = written("", ended=reason, tokens=0)
    del body["candidates"][0]["content"]
    return body


def _inline(part: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _either(part, "inlineData", "inline_data") or {}
    return found


def _decoded(data: str) -> bytes:
    """Read either alphabet of base64: protocol buffers' JSON takes both, and the client sends the one for addresses."""
    return base64.b64decode(data.translate(str.maketrans("-_", "+/")), validate=True)


def _either(values: Mapping[str, Any], camel: str, snake: str) -> Any:
    """Protocol buffers' JSON takes both spellings, and the client sends both."""
    return values.get(camel, values.get(snake))


def _generating_problem(asked: Asked) -> str:
    said = asked.body
    if not said.get("contents"):
        return "contents: contents is not specified"
    if asked.size_bytes > MAX_REQUEST_BYTES:
        return f"contents: request payload size exceeds the limit: {MAX_REQUEST_BYTES} bytes"
    for part in asked.parts:
        problem = _part_problem(part)
        if problem:
            return f"contents[0].parts[0].{problem}"
    if "systemInstruction" in said and not asked.instruction:
        return "system_instruction.parts: must have a text"
    config = said.get("generationConfig", {})
    schema = _either(config, "responseJsonSchema", "response_json_schema") or config.get("responseSchema")
    if schema and _either(config, "responseMimeType", "response_mime_type") != "application/json":
        return "generation_config.response_schema: only allowed with response_mime_type application/json"
    unknown = sorted(_schema_keys(schema or {}) - SCHEMA_KEYS)
    return f"generation_config.response_json_schema: unknown name {unknown[0]!r}" if unknown else ""


def _part_problem(part: Mapping[str, Any]) -> str:
    inline = _inline(part)
    if not inline:
        return "" if part.get("text") else "data: required oneof field 'data' must have one initialized field"
    if _either(inline, "mimeType", "mime_type") not in PICTURE_TYPES:
        return "inline_data.mime_type: unsupported MIME type"
    try:
        is_empty = not _decoded(inline["data"])
    except (binascii.Error, KeyError):
        return "inline_data.data: base64 decoding failed"
    return "inline_data: unable to process input image" if is_empty else ""


def _schema_keys(schema: Mapping[str, Any]) -> set[str]:
    keys = set(schema)
    inner = [*schema.get("properties", {}).values(), schema.get("items"), *schema.get("anyOf", [])]
    for it in inner:
        if isinstance(it, Mapping):
            keys |= _schema_keys(it)
    return keys


def _problem(requests: list[dict[str, Any]], model: str) -> str:
    if not 1 <= len(requests) <= MAX_REQUESTS:
        return f"at most {MAX_REQUESTS} requests can be in one batch"
    for request in requests:
        if request.get("model") != f"models/{model}":
            return "the model of each request must be that of the batch"
        if not all(part.get("text", "").strip() for part in request["content"]["parts"]):
            return "content is required"
        if request.get("taskType", "RETRIEVAL_QUERY") not in TASK_TYPES:
            return f"unknown task type {request['taskType']}"
        if "taskType" in request and model != "gemini-embedding-001":
            return "task type is not supported by this model"
    return ""


def error(status: int, name: str, message: str, *details: Mapping[str, Any], headers: Any = None) -> Answer:
    """Return an error as the API writes it."""
    said = {"code": status, "message": message, "status": name, **({"details": list(details)} if details else {})}
    return status, {**JSON, **(headers or {})}, json.dumps({"error": said}).encode()


def bad_key() -> Answer:
    """Return what a wrong key gets: not 401, but 400."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    return error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", info)


def too_many_calls(*, retry_delay: str = "", retry_after: str = "", period: str = "PerMinute") -> Answer:
    """Return the refusal of one call too many: of the minute, or of the day."""
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/embed_content_free_tier_requests",
        "quotaId": f"EmbedContentRequests{period}PerUserPerProjectPerModel-FreeTier",
        "quotaDimensions": {"location": "global", "model": "gemini-embedding-001"},
        "quotaValue": "15",
    }
    details: list[Mapping[str, Any]] = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}
    ]
    if retry_delay:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_delay})
    headers = {"Retry-After": retry_after} if retry_after else {}
    return error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", *details, headers=headers)


def unavailable() -> Answer:
    """Return what an overloaded model says."""
    return error(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")


def broken() -> Answer:
    """Return what the API says of its own faults."""
    return error(500, "INTERNAL", "An internal error has occurred.")


def bad_gateway() -> Answer:
    """Return the page of a load balancer."""
    return 502, {"Content-Type": "text/html"}, b"<html><title>502 Server Error</title></html>"


def cut_short() -> Answer:
    """Return an answer whose JSON ends in the middle."""
    return 200, JSON, b'{"embeddings": [{"values": [0.1, 0.2'


@contextmanager
def serve(api: GeminiApi) -> Iterator[str]:
    """Serve the API on loopback; yields what GEMINI_BASE_URL is to be."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            said = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, body = api.answer(self.path, {k.lower(): v for k, v in self.headers.items()}, said)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):  # the client has given up, as it does in tests of slowness
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        api.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
