"""Plain stand-ins for the protobuf messages that azure-functions-runtime exchanges with its host."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar


@dataclass
class TypedData:
    """A value of one of these kinds; the one that is set says which."""

    string: str | None = None
    bytes: Any = None
    json: str | None = None
    int: Any = None
    double: float | None = None
    http: "RpcHttp | None" = None
    model_binding_data: "ModelBindingData | None" = None

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802, the name protobuf gives it
        return next((kind for kind, value in vars(self).items() if value is not None), None)


@dataclass
class ParameterBinding:
    name: str
    data: TypedData

    def WhichOneof(self, _group: str) -> str:  # noqa: N802
        return "data"


@dataclass
class ModelBindingData:
    """Where a deferred binding finds its blob, instead of the blob's bytes."""

    version: str
    source: str
    content_type: str
    content: str


@dataclass
class RpcHttp:
    """A request (method, url, params, query) or a response (status_code, cookies)."""

    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: TypedData | None = None
    status_code: str = "200"
    cookies: "list[RpcHttpCookie] | None" = None
    enable_content_negotiation: bool = False


@dataclass
class NullableString:
    value: str


@dataclass
class NullableBool:
    value: bool


@dataclass
class NullableDouble:
    value: float


@dataclass
class Timestamp:
    seconds: int


@dataclass
class NullableTimestamp:
    value: Timestamp


class SameSite:
    Lax = "Lax"
    Strict = "Strict"
    ExplicitNone = "None"


setattr(SameSite, "None", "")  # the runtime asks for this name, which Python cannot write


@dataclass
class RpcHttpCookie:
    name: str
    value: str
    domain: NullableString | None = None
    path: NullableString | None = None
    expires: NullableTimestamp | None = None
    secure: NullableBool | None = None
    http_only: NullableBool | None = None
    same_site: str = ""
    max_age: NullableDouble | None = None

    SameSite: ClassVar[type[SameSite]] = SameSite


@dataclass
class RpcException:
    message: str = ""
    stack_trace: str = ""
    source: str = ""


@dataclass
class StatusResult:
    Failure: ClassVar[int] = 0
    Success: ClassVar[int] = 1

    status: int
    exception: RpcException | None = None


@dataclass
class BindingInfo:
    undefined: ClassVar[int] = 0
    out: ClassVar[int] = 1
    inout: ClassVar[int] = 2

    type: str
    data_type: Any
    direction: Any


@dataclass
class RpcRetryOptions:
    """`retry_strategy` is fixed_delay or exponential_backoff; a negative count means no end."""

    max_retry_count: int
    retry_strategy: str
    delay_interval: timedelta | None = None
    minimum_interval: timedelta | None = None
    maximum_interval: timedelta | None = None


@dataclass
class RpcFunctionMetadata:
    name: str
    function_id: str
    raw_bindings: list[str]
    retry_options: RpcRetryOptions | None
    directory: str = ""
    script_file: str = ""
    entry_point: str = ""
    language: str = ""
    is_proxy: bool = False
    managed_dependency_enabled: bool = False
    bindings: dict[str, BindingInfo] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)


@dataclass
class WorkerMetadata:
    runtime_name: str
    runtime_version: str
    worker_version: str
    worker_bitness: str
    custom_properties: dict[str, str]


@dataclass
class WorkerInitResponse:
    capabilities: dict[str, str]
    worker_metadata: WorkerMetadata
    result: StatusResult


@dataclass
class FunctionMetadataResponse:
    use_default_metadata_indexing: bool
    function_metadata_results: list[RpcFunctionMetadata] | None
    result: StatusResult


@dataclass
class InvocationResponse:
    invocation_id: str
    result: StatusResult
    return_value: TypedData | None = None
    output_data: list[ParameterBinding] = field(default_factory=list)


@dataclass
class RpcTraceContext:
    trace_parent: str = ""
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass
class RetryContext:
    retry_count: int = 0
    max_retry_count: int = 0
    exception: RpcException | None = None


@dataclass
class InvocationRequest:
    invocation_id: str
    function_id: str
    input_data: list[ParameterBinding]
    trigger_metadata: dict[str, TypedData]
    trace_context: RpcTraceContext
    retry_context: RetryContext


@dataclass
class WorkerInitRequest:
    capabilities: dict[str, str]
    function_app_directory: str


@dataclass
class StreamingMessage:
    invocation_request: InvocationRequest | None = None
    worker_init_request: WorkerInitRequest | None = None


@dataclass
class Envelope:
    """What the runtime's entry points take: a message, and the host's properties."""

    request: StreamingMessage
    properties: dict[str, Any] = field(default_factory=dict)
