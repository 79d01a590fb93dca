"""Every setting is checked when the app starts, and every complaint names the setting and the remedy."""

from dataclasses import fields, replace

import pytest

from dedup_app.configuration.index_address import IndexAddress
from dedup_app.configuration.settings import Settings
from dedup_app.configuration.storage_connection import StorageConnection
from dedup_core.errors import InvalidSetting
from dedup_core.limits import DecodeLimits
from dedup_core.policy import PRESETS

# Whatever thresholds the policy has, its first one stands for all.
THRESHOLD = fields(PRESETS["balanced"])[0].name
OVERRIDE = f"POLICY_{THRESHOLD.upper()}"
KEY = "c2VjcmV0LWtleQ=="
CONNECTION_STRING = (
    f"DefaultEndpointsProtocol=https;AccountName=pictures;AccountKey={KEY};EndpointSuffix=core.windows.net"
)
IDENTITY = {
    "ImageStorage__blobServiceUri": "https://pictures.blob.core.windows.net",
    "ImageStorage__queueServiceUri": "https://pictures.queue.core.windows.net/",
    "ImageStorage__tableServiceUri": "https://pictures.table.core.windows.net",
}


def read(**environment: str) -> Settings:
    return Settings.from_environment(environment)


@pytest.mark.parametrize(("text", "on"), [("", False), ("false", False), ("0", False), ("true", True), ("1", True)])
def test_telemetry_is_on_where_the_worker_has_configured_it(text, on):
    assert read(PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY=text).telemetry is on


def test_paths_of_images_stay_out_of_the_log_unless_a_setting_says_true():
    assert not read().log_image_paths
    assert read(LOG_IMAGE_PATHS="True").log_image_paths
    with pytest.raises(InvalidSetting, match="LOG_IMAGE_PATHS"):
        read(LOG_IMAGE_PATHS="perhaps")


def test_the_defaults_are_those_of_the_documentation():
    settings = read()
    assert settings == Settings()
    assert (settings.image_container, settings.index_container) == ("images", "dedup-index")
    assert (settings.verify_queue, settings.ingest_queue) == ("verify-pairs", "ingest-images")
    assert (settings.stats_schedule, settings.blob_trigger_source) == ("0 */5 * * * *", "LogsAndContainerScan")
    assert settings.limits == DecodeLimits()
    assert settings.policy == PRESETS["balanced"]
    assert settings.containers == {"images"}


@pytest.mark.parametrize(
    "schedule", ["0 0 3 * * *", "0 30 9-17 * Jan,JUL MON-FRI", "15,45 */10 * 1-15/2 * 0", "5/15 0 0 30,31 2,3 *"]
)
def test_a_schedule_may_be_any_six_fields_that_the_host_understands(schedule):
    assert read(STATS_SCHEDULE=schedule).stats_schedule == schedule


def test_formats_are_named_in_any_case_and_rare_ones_only_on_purpose():
    assert read(IMAGE_FORMATS="jpeg, Png,JPEG2000").limits.formats == {"JPEG", "PNG", "JPEG2000"}
    assert "JPEG2000" not in read().limits.formats


@pytest.mark.parametrize("text", ["jpg", "jpeg;png", ",", "jpeg,,png", "jpeg,psd"])
def test_a_format_that_nobody_knows_is_refused_with_those_that_there_are(text):
    with pytest.raises(InvalidSetting, match=r"IMAGE_FORMATS.*avif, bmp, gif, heic, jpeg, jpeg2000, png, tiff, webp"):
        read(IMAGE_FORMATS=text)


def test_decoders_are_separate_unless_told_otherwise():
    assert read().decoder_isolation == "separate"
    assert read(DECODER_ISOLATION="Confined").decoder_isolation == "confined"
    with pytest.raises(InvalidSetting, match="DECODER_ISOLATION is 'maybe'; set it to confined or separate or off"):
        read(DECODER_ISOLATION="maybe")


def test_empty_settings_count_as_absent():
    assert read(IMAGE_CONTAINER="", MAX_IMAGE_BYTES=" ", POLICY="", ImageStorage="", **{OVERRIDE: ""}) == Settings()


def test_every_setting_can_be_set():
    settings = read(
        ImageStorage=CONNECTION_STRING,
        IMAGE_CONTAINER="photos",
        INDEX_CONTAINER="photo-index",
        VERIFY_QUEUE="verify",
        INGEST_QUEUE="ingest",
        STATS_SCHEDULE="*/30 * * * * *",
        BLOB_TRIGGER_SOURCE="eventgrid",
        MAX_IMAGE_BYTES="1000",
        MAX_IMAGE_PIXELS="2000",
        MAX_CANDIDATES="7",
        DOWNLOAD_BUDGET_BYTES="3000",
        DECODE_BUDGET_BYTES="4000",
        POLICY="strict",
        **{OVERRIDE: "0.8125"},
    )
    assert settings.image_storage == StorageConnection(CONNECTION_STRING)
    assert (settings.image_container, settings.index_container) == ("photos", "photo-index")
    assert (settings.verify_queue, settings.ingest_queue) == ("verify", "ingest")
    assert (settings.stats_schedule, settings.blob_trigger_source) == ("*/30 * * * * *", "EventGrid")
    assert settings.limits == DecodeLimits(max_bytes=1000, max_pixels=2000)
    assert settings.max_candidates == 7
    assert (settings.download_budget_bytes, settings.decode_budget_bytes) == (3000, 4000)
    assert settings.policy == replace(PRESETS["strict"], **{THRESHOLD: 0.8125})


def test_a_namespace_begins_the_names_of_all_that_the_app_keeps_set_or_not_but_not_of_the_images():
    settings = Settings.from_environment({"DEDUP_NAMESPACE": "shop", "VERIFY_QUEUE": "pairs"})
    assert (settings.image_container, settings.index_container) == ("images", "shop-dedup-index")
    assert (settings.verify_queue, settings.ingest_queue) == ("shop-pairs", "shop-ingest-images")
    assert (settings.events_queue, settings.table("features")) == ("shop-blob-events", "shopfeatures")
    assert Settings().table("features") == "features"


def test_a_name_must_fit_with_its_namespace():
    with pytest.raises(InvalidSetting, match=r"VERIFY_QUEUE is 'shop-v.*3 to 56"):
        Settings.from_environment({"DEDUP_NAMESPACE": "shop", "VERIFY_QUEUE": "v" * 52})


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("DEDUP_NAMESPACE", "Shop", "20 lower-case letters and digits"),
        ("DEDUP_NAMESPACE", "my-shop", "20 lower-case letters and digits"),
        ("DEDUP_NAMESPACE", "2shops", "a letter first"),
        ("DEDUP_NAMESPACE", "s" * 21, "up to 20"),
        ("IMAGE_CONTAINER", "Images", "did you mean 'images'"),
        ("INDEX_CONTAINER", "a", "3 to 63"),
        ("INDEX_CONTAINER", "images", "different names"),
        ("VERIFY_QUEUE", "verify_pairs", "3 to 56"),
        ("INGEST_QUEUE", "verify-pairs", "different names"),
        ("EVENTS_QUEUE", "ingest-images", "different names"),
        ("STATS_SCHEDULE", "*/5 * * * *", "six fields"),
        ("STATS_SCHEDULE", "every five minutes or so please", "six fields"),
        ("STATS_SCHEDULE", "0 */5 * * * ?;", "weekday is"),
        ("STATS_SCHEDULE", "0 0 25 * * *", "hour is '25', but takes 0 to 23"),
        ("STATS_SCHEDULE", "60 * * * * *", "second is"),
        ("STATS_SCHEDULE", "0 0 0 0 * *", "day is"),
        ("STATS_SCHEDULE", "0 0 0 1 FOO *", "1 to 12 or JAN to DEC"),
        ("STATS_SCHEDULE", "0 */0 * * * *", "minute is"),
        ("STATS_SCHEDULE", "0 0 0 30 Feb *", "never in its months"),
        ("BLOB_TRIGGER_SOURCE", "Polling", "LogsAndContainerScan or EventGrid"),
        ("INDEX_URL", f"mysql://app:{KEY}@index/dedup", "must begin with postgresql://"),
        ("INDEX_URL", f"postgresql://app:{KEY}@index", "name a user and a database"),
        ("INDEX_URL", "postgresql://index/dedup", "name a user and a database"),
        ("INDEX_URL", f"postgresql://app:{KEY}@/dedup", "name a host"),
        ("INDEX_URL", "postgresql://app@/dedup?host=index", "name a host"),
        ("INDEX_URL", "postgresql://app@/dedup?host=/run/postgresql,index", "name a host"),
        ("INDEX_URL", f"postgresql://app:{KEY}@index/dedup?sslmode=disable", "only host and sslrootcert can be set"),
        ("INDEX_URL", f"postgresql://app:[{KEY}]@index/dedup", "it is no address"),
        ("INDEX_URL", f"postgresql://app:{KEY}\N{ACCOUNT OF}x@index/dedup", "it is no address"),
        ("INDEX_URL", f"postgresql://app:a?{KEY}=1&b@index/dedup", "special characters of a password"),
        ("INDEX_URL", f"postgresql://app:{KEY}@index:port/dedup", "port"),
        ("MAX_IMAGE_BYTES", "0", "from 1 to"),
        ("MAX_IMAGE_BYTES", "-5", "from 1 to"),
        ("MAX_IMAGE_BYTES", "64 MB", "from 1 to"),
        ("MAX_IMAGE_BYTES", "9" * 5000, "from 1 to"),
        ("MAX_IMAGE_PIXELS", "1e6", "from 1 to"),
        ("WEBSITE_AUTH_ENABLED", "banana", "true or false"),
        ("PROTECTED_PREFIXES", ",,", "before and after each comma"),
        ("PROTECTED_PREFIXES", "catalog/, ,shop/", "before and after each comma"),
        ("KEEPER_STEPS", "person,larger,", "before and after each comma"),
        ("POLICY", "lenient", "strict, balanced, loose"),
        (OVERRIDE, "high", "number"),
        (OVERRIDE, "nan", "number"),
        (OVERRIDE + "S", "0.5", OVERRIDE),
        ("ImageStorage", "pictures", "UseDevelopmentStorage=true"),
        ("ImageStorage__blobServiceUri", "http://pictures.blob.core.windows.net", "https"),
        ("ImageStorage__blobServiceUri", f"https://pictures.blob.core.windows.net?sig={KEY}", "nothing more"),
        ("ImageStorage__queueServiceUri", "https://[", "not a URL"),
        ("ImageStorage__tableServiceUri", IDENTITY["ImageStorage__tableServiceUri"], "missing"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_the_remedy(name, value, remedy):
    with pytest.raises(InvalidSetting) as failure:
        read(**{name: value})
    assert name.split("__")[0] in str(failure.value)
    assert remedy in str(failure.value)
    assert KEY not in str(failure.value)


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("ImageStorage", CONNECTION_STRING), ("PROTECTED_PREFIXES", "catalog/"), ("MAX_CANDIDATES", "9")],
)
def test_quotes_around_a_value_are_no_part_of_it_in_silence(name, value, quote):
    with pytest.raises(InvalidSetting, match=f"^{name} is in quotes") as refused:
        read(**{name: f"{quote}{value}{quote} "})
    assert KEY not in str(refused.value)
    read(**{name: value})


def test_an_identity_takes_the_place_of_a_connection_string():
    storage = read(**IDENTITY, ImageStorage__clientId="1234").require_image_storage()
    assert storage.uses_identity
    assert storage.queue_service_uri == "https://pictures.queue.core.windows.net/"
    assert storage.client_id == "1234"
    assert not StorageConnection(CONNECTION_STRING).uses_identity


def test_two_ways_to_connect_are_one_too_many():
    with pytest.raises(InvalidSetting, match="both set"):
        read(ImageStorage=CONNECTION_STRING, **IDENTITY)


def test_without_an_account_the_settings_can_be_read_but_not_used():
    with pytest.raises(InvalidSetting, match=r"ImageStorage is missing.*UseDevelopmentStorage=true"):
        read().require_image_storage()


def test_secrets_do_not_show():
    settings = read(ImageStorage=CONNECTION_STRING)
    assert KEY not in repr(settings)
    assert settings.require_image_storage().connection_string == CONNECTION_STRING


def test_the_index_is_in_each_instance_unless_an_address_says_where_else():
    assert read().index_address is None
    address = read(INDEX_URL=f"postgresql://id%40app:{KEY}@index.example.com/dedup").index_address
    assert address == IndexAddress("index.example.com", 5432, "dedup", "id@app", KEY)
    assert not address.is_local
    assert KEY not in repr(address)
    socket = read(INDEX_URL="postgresql://app@/dedup?host=/run/postgresql").index_address
    assert socket == IndexAddress("/run/postgresql", 5432, "dedup", "app")
    assert socket.is_local


def test_what_belongs_to_others_is_left_alone():
    assert read(PATH="/bin", FUNCTIONS_WORKER_RUNTIME="python", AzureWebJobsStorage="x") == Settings()


@pytest.mark.parametrize(
    ("environment", "account"),
    [
        ({}, ""),
        ({"ImageStorage": "UseDevelopmentStorage=true"}, "devstoreaccount1"),
        ({"ImageStorage": CONNECTION_STRING}, "pictures"),
        (
            {"ImageStorage": "BlobEndpoint=https://pictures.blob.core.windows.net/;SharedAccessSignature=sv=1"},
            "pictures",
        ),
        ({"ImageStorage": "BlobEndpoint=https://img.example.com/;SharedAccessSignature=sv=1"}, ""),
        (IDENTITY, "pictures"),
        (IDENTITY | {"ImageStorage__blobServiceUri": "https://img.example.com"}, ""),
    ],
)
def test_the_account_is_known_by_however_it_is_named(environment, account):
    assert read(**environment).account == account
