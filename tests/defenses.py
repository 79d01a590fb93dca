"""Takes each defense of docs/security.md out and runs the test that holds it: `python -m tests.defenses [WORD]`.

Each is a piece of text that is replaced in a copy of the project; of a template for Azure the compiler then predicts
anew what it creates. The test that the page names must fail there. A piece that is not found exactly once says that the
code has moved on and this list has not. Takes minutes.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from infra.tools.compiler import find_compiler

ROOT = Path(__file__).parent.parent
LEFT_OUT = (".git", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", "dist")
LINKED = (".venv", "node_modules")


# A pin of requirements.txt with its hashes.
PIN = re.findall(
    r"^packaging==.*?(?=    # via)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE | re.DOTALL
)[0]


@dataclass(frozen=True)
class Defense:
    """The test that holds it, and how to take it out of a file."""

    test: str
    file: str
    there: str
    instead: str
    is_predicted: bool = False
    """Whether the test looks at what the compiler of the templates predicts; it must be found beside the project."""


DEFENSES = (
    Defense(
        "tests/core/test_messages.py::test_any_garbage_is_refused_and_raises_nothing_else",
        "dedup_core/messages.py",
        "    except (ValueError, RecursionError) as error:\n        raise InvalidMessage(",
        "    except TimeoutError as error:\n        raise InvalidMessage(",
    ),
    Defense(
        "tests/core/test_messages.py::test_a_message_names_so_many_images_and_no_more",
        "dedup_core/messages.py",
        "if len(entries) > MOST_TARGETS:",
        "if False:",
    ),
    Defense(
        "tests/app/test_blob_events.py::test_a_message_of_more_events_than_anybody_sends_is_refused_as_one",
        "dedup_core/events.py",
        "if len(events) > MOST_EVENTS:",
        "if False:",
    ),
    Defense(
        "tests/app/test_verify.py::test_images_that_never_were_get_no_rows_and_are_named_as_refused",
        "dedup_app/pipeline/verify.py",
        "continue  # a message may name anything",
        "pass",
    ),
    Defense(
        "tests/app/test_verify.py::test_an_id_that_a_message_brought_along_makes_no_invalid_row_key",
        "dedup_app/pipeline/rejection.py",
        'message_id = _UNSAFE.sub("-", message_id)[:_ID_CHARACTERS]',
        "pass",
    ),
    *(
        Defense(test, "dedup_app/configuration/ownership.py", "if owner is None or owner.is_the_app(app):", "if True:")
        for test in (
            "tests/test_function_app.py::test_another_app_in_the_same_namespace_takes_no_message",
            "tests/storage/test_two_apps.py::test_without_namespaces_the_second_app_refuses_and_the_first_goes_on",
        )
    ),
    Defense(
        "tests/storage/test_postgres_connections.py::test_a_server_without_tls_is_told_nothing",
        "dedup_storage/postgres/connections.py",
        '{"sslmode": "verify-full",',
        '{"sslmode": "prefer",',
    ),
    Defense(
        "tests/storage/test_postgres_connections.py::"
        "test_the_certificate_of_a_server_must_name_it_and_follow_from_known_roots",
        "dedup_storage/postgres/connections.py",
        "address.root_certificates or certifi.where()",
        '"system"',
    ),
    Defense(
        "tests/core/test_paths.py::test_containers_that_are_not_configured_are_refused_by_name",
        "dedup_core/paths.py",
        "if containers is not None and not path.is_generated and path.container not in containers:",
        "if False:",
    ),
    *(
        Defense(test, "dedup_core/paths.py", 'if named not in ("", account.lower()):', "if False:")
        for test in (
            "tests/core/test_paths.py::test_a_url_of_another_account_is_refused_by_name",
            "tests/app/test_blob_events.py::test_an_image_of_another_account_is_refused_however_it_is_named",
        )
    ),
    Defense(
        "tests/core/test_paths.py::test_the_text_of_any_path_reads_back_as_the_same_path",
        "dedup_core/paths.py",
        'return f"{self.container}/{_escape(self.name)}"',
        'return f"{self.container}/{self.name}"',
    ),
    Defense(
        "tests/cli/test_duplicates.py::test_names_cannot_move_the_cursor_or_paint_the_table",
        "dedup_cli/presentation/output.py",
        'return "".join(letter if letter.isprintable() else',
        'return text if True else "".join(letter if letter.isprintable() else',
    ),
    Defense(
        "tests/cli/test_duplicates.py::test_names_cannot_move_the_cursor_as_json_and_are_the_same_to_a_program",
        "dedup_cli/presentation/output.py",
        "return UNCOMMON.sub(",
        "return text or UNCOMMON.sub(",
    ),
    Defense(
        "tests/cli/test_duplicates.py::test_names_cannot_move_the_cursor_as_csv_on_a_terminal",
        "dedup_cli/presentation/output.py",
        "shown = _spelled_out if sys.stdout.isatty() else _defused",
        "shown = _defused",
    ),
    Defense(
        "tests/cli/test_duplicates.py::test_a_cell_that_a_spreadsheet_would_run_is_defused",
        "dedup_cli/presentation/output.py",
        "isinstance(cell, str) and cell.startswith(FORMULA_STARTS)",
        "False",
    ),
    Defense(
        "tests/web/test_page.py::test_a_name_that_is_markup_is_text",
        "dedup_web/static/elements.js",
        "  made.append(...children.filter((child) => child != null && child !== false));\n",
        "  children.filter((child) => child != null && child !== false).forEach((child) => typeof child === 'string' ? "
        "made.insertAdjacentHTML('beforeend', child) : made.append(child));\n",
    ),
    Defense(
        "tests/decoders/test_hostile_files.py::test_whatever_is_not_computing_is_not_permitted",
        "dedup_decoders/serving.py",
        "        confine()\n",
        "        pass\n",
    ),
    Defense(
        "tests/decoders/test_answers.py::test_a_refusal_for_any_other_reason_is_a_lie",
        "dedup_decoders/answers.py",
        '_require(reason in reasons, "a reason that there is not")',
        "pass",
    ),
    Defense(
        "tests/decoders/test_hostile_files.py::test_a_decoder_that_was_taken_over_cannot_lie_about_which_file_it_is",
        "dedup_decoders/answers.py",
        "return replace(told, sha256=digest.hex(), byte_size=byte_size, fingerprints=fingerprints)",
        "return told",
    ),
    Defense(
        "tests/decoders/test_hostile_files.py::test_a_file_that_ends_its_decoder_is_refused_for_that",
        "dedup_decoders/asking.py",
        "    except ChildDied as error:\n",
        "    except TimeoutError as error:\n",
    ),
    Defense(
        "tests/decoders/test_hostile_files.py::test_a_file_that_keeps_its_decoder_busy_is_refused_for_that",
        "dedup_decoders/asking.py",
        "    except ChildOverran as error:\n",
        "    except TimeoutError as error:\n",
    ),
    Defense(
        "tests/core/test_odd_files.py::test_a_bomb_is_refused_before_its_pixels_take_memory",
        "dedup_core/decoding/header_check.py",
        "if header.width * header.height > max_pixels:",
        "if False:",
    ),
    Defense(
        "tests/core/test_odd_files.py::test_unpacking_takes_no_more_memory_than_the_bounds",
        "dedup_core/decoding/codecs/png_texts.py",
        'unpacked = unpacker.decompress(packed or b"", most)',
        'unpacked = unpacker.decompress(packed or b"")',
    ),
    Defense(
        "tests/core/test_libraries.py::test_a_format_whose_library_has_known_holes_is_refused_with_that_reason",
        "dedup_core/decoding/libraries.py",
        "return bool(self.version) and version_numbers(self.version) < version_numbers(self.floor)",
        "return False",
    ),
    Defense(
        "tests/decoders/test_hostile_files.py::test_no_key_is_ever_in_its_memory",
        "dedup_decoders/child_process.py",
        "env=_environment(),",
        "env=None,",
    ),
    Defense(
        "tests/app/test_settings.py::test_secrets_do_not_show",
        "dedup_app/configuration/storage_connection.py",
        'connection_string: str = field(default="", repr=False)',
        'connection_string: str = field(default="")',
    ),
    Defense(
        "tests/storage/test_connect.py::test_a_bad_connection_string_is_an_error_that_names_the_setting_and_no_secret",
        "dedup_storage/account/clients.py",
        "except (ValueError, KeyError):\n        raise InvalidSetting(NO_CONNECTION_STRING) from None  # because",
        "except TimeoutError:\n        raise InvalidSetting(NO_CONNECTION_STRING) from None  # because",
    ),
    Defense(
        "tests/core/test_paths.py::test_a_signature_is_neither_kept_nor_shown",
        "dedup_core/paths.py",
        'return _SAS_SIGNATURE.sub(r"\\1...", text)',
        "return text",
    ),
    Defense(
        "tests/app/test_event_log.py::test_no_run_of_ingest_verify_and_failure_names_an_image_above_debug",
        "dedup_app/event_log.py",
        "line[name] = value.image_id",
        "line[name] = str(value)",
    ),
    Defense(
        "tests/local_host/test_log.py::test_a_new_line_in_a_name_does_not_begin_a_line_of_its_own",
        "local_host/log.py",
        '.replace("\\n", f"\\n{CONTINUED}")',
        "",
    ),
    Defense(
        "tests/cli/test_review.py::test_the_key_of_the_page_is_not_among_what_a_browser_is_started_with",
        "dedup_cli/results/review.py",
        "webbrowser.open(address + first_key)",
        "webbrowser.open(address + key)",
    ),
    Defense(
        "tests/web/test_api.py::test_the_key_that_a_browser_is_started_with_opens_the_page_once",
        "dedup_web/security.py",
        "self._has_opened = True\n",
        "pass\n",
    ),
    Defense(
        "tests/web/test_api.py::test_without_the_key_nothing_is_told",
        "dedup_web/security.py",
        "if self._key is not None and not hmac.compare_digest(given.encode(), self._key.encode()):",
        "if False:",
    ),
    Defense(
        "tests/web/test_sign_in.py::test_without_sign_in_a_header_that_names_a_person_is_refused",
        "dedup_web/security.py",
        "if any(name.startswith(PRINCIPAL) for name in headers):",
        "if False:",
    ),
    Defense(
        "tests/web/test_sign_in.py::test_paths_that_need_no_sign_in_lead_to_nothing_of_the_page",
        "dedup_web/security.py",
        'if path != "/" and not path.startswith("/api/"):',
        "if False:",
    ),
    Defense(
        "tests/web/test_sign_in.py::test_whoever_was_let_through_without_signing_in_is_told_nothing",
        "dedup_web/security.py",
        "return None if person_of(headers) else Refusal(",
        "return None if True else Refusal(",
    ),
    Defense(
        "tests/storage/test_original_links.py::test_a_link_reads_one_blob_for_five_minutes_with_the_type_of_its_content",
        "dedup_storage/images/original_links.py",
        "permission=BlobSasPermissions(read=True)",
        "permission=BlobSasPermissions(read=True, write=True)",
    ),
    Defense(
        "tests/web/test_api.py::test_other_sites_decide_and_see_nothing",
        "dedup_web/security.py",
        'if headers.get("sec-fetch-site", "none") not in OWN_SITES and not is_navigation:',
        "if False:",
    ),
    Defense(
        "tests/web/test_api.py::test_another_host_is_refused",
        "dedup_web/security.py",
        'if self._hosts is not None and headers.get("host", "") not in self._hosts:',
        "if False:",
    ),
    Defense(
        "tests/web/test_api.py::test_every_answer_is_locked_down",
        "dedup_web/security.py",
        "\"frame-ancestors 'none'\"",
        '""',
    ),
    Defense(
        "tests/infra/test_package.py::test_the_package_holds_the_app_and_nothing_else",
        "infra/tools/package.py",
        "yield from (name for name in names if not ignored.match_file(name))",
        "yield from names",
    ),
    Defense(
        "tests/infra/test_package.py::test_the_same_files_make_the_same_package",
        "infra/tools/package.py",
        "entry = zipfile.ZipInfo(name, NO_TIME)",
        "entry = zipfile.ZipInfo(f'{name}{os.urandom(4).hex()}', NO_TIME)",
    ),
    Defense(
        "tests/infra/test_package.py::test_every_pin_has_hashes_so_that_pip_takes_no_other_file",
        "requirements.txt",
        "packaging==26.3 \\\n",
        "packaging==26.3\n#",
    ),
    Defense(
        "tests/infra/test_package.py::test_a_library_that_is_not_the_one_that_was_pinned_is_refused",
        "requirements.txt",
        PIN,
        PIN.partition(" ")[0] + "\n",
    ),
    Defense(
        "tests/infra/test_package.py::test_the_libraries_are_all_that_is_listed_and_lack_nothing",
        "requirements.txt",
        PIN,
        "",
    ),
    Defense(
        "tests/infra/test_package.py::test_the_code_that_deletes_images_is_not_deployed",
        ".funcignore",
        "/dedup_app/cleanup/\n",
        "",
    ),
    Defense(
        "tests/infra/test_release.py::test_what_is_left_out_of_the_package_is_left_out_of_the_container",
        ".dockerignore",
        "dedup_app/cleanup\n",
        "",
    ),
    Defense(
        "tests/infra/test_package.py::test_the_list_of_materials_names_every_library_and_the_native_ones_inside",
        "infra/tools/sbom.py",
        "components=[*_decoders(name), *_native_files(name, distribution)],",
        "components=[],",
    ),
    Defense(
        "tests/app/cleanup/test_clearing.py::test_what_changed_since_the_plan_or_is_held_stays_and_says_why",
        "dedup_app/cleanup/apply.py",
        'if there.etag != image.etag:\n            return "it changed since',
        'if False:\n            return "it changed since',
    ),
    Defense(
        "tests/app/cleanup/test_clearing.py"
        "::test_whenever_another_plan_is_followed_meanwhile_what_a_copy_relies_on_stays",
        "dedup_app/cleanup/apply.py",
        "if self._blobs.has_any(self._quarantine, kept_for(image.path)):",
        "if False:",
    ),
    Defense(
        "tests/app/cleanup/test_clearing.py"
        "::test_whenever_the_same_plan_is_followed_meanwhile_with_another_manifest_no_image_is_lost",
        "dedup_app/cleanup/apply.py",
        '                (moved.quarantined, copy.etag, f"its copy at {moved.quarantined}"),\n',
        "",
    ),
    Defense(
        "tests/app/cleanup/test_clearing.py"
        "::test_in_whatever_order_two_follow_the_same_plan_step_by_step_no_image_is_lost",
        "dedup_app/cleanup/mover.py",
        "if there is None or etag not in {None, there.etag}:",
        "if False:",
    ),
    Defense(
        "tests/app/cleanup/test_clearing.py::test_a_manifest_from_elsewhere_deletes_nothing_but_copies_in_quarantine",
        "dedup_app/cleanup/record.py",
        '                _must_be_a_copy(moved[entry["image"]], header)\n',
        "",
    ),
    Defense(
        "tests/app/cleanup/test_clearing.py"
        "::test_an_app_that_has_heard_of_no_decision_about_them_ends_no_images_and_brings_none_back",
        "dedup_app/cleanup/record.py",
        "if theirs != ours:",
        "if False:",
    ),
    Defense(
        "tests/app/cleanup/test_clearing.py::test_what_is_protected_goes_by_no_plan_for_what_is_not",
        "dedup_app/cleanup/apply.py",
        '{keeper} is not" if prefix else ""',
        '{keeper} is not" if False else ""',
    ),
    Defense(
        "tests/app/cleanup/test_killed.py::test_apply_killed_at_any_call_loses_nothing_and_can_be_resumed_or_undone",
        "dedup_app/cleanup/apply.py",
        "if moved.step is Step.REFUSED:\n",
        "if False:\n",
    ),
    Defense(
        "tests/infra/test_bicep.py::test_every_file_is_used_and_none_comes_from_a_registry",
        "infra/main.bicep",
        "'modules/identity.bicep'",
        "'br/public:avm/res/managed-identity/user-assigned-identity:0.4.1'",
    ),
    Defense(
        "tests/infra/test_bicep.py::test_no_account_takes_keys_anonymous_readers_or_old_tls",
        "infra/modules/images-account.bicep",
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: true",
        is_predicted=True,
    ),
    Defense(
        "tests/infra/test_bicep.py::test_nobody_sends_code_to_the_app_with_a_password",
        "infra/modules/function-app.bicep",
        "name: 'scm'\n  properties: {\n    allow: false",
        "name: 'scm'\n  properties: {\n    allow: true",
        is_predicted=True,
    ),
    Defense(
        "tests/infra/test_bicep.py"
        "::test_the_server_of_the_index_takes_identities_only_and_is_closed_by_a_virtual_network",
        "infra/modules/index-database.bicep",
        "passwordAuth: 'Disabled'",
        "passwordAuth: 'Enabled'",
        is_predicted=True,
    ),
    Defense(
        "tests/infra/test_roles.py::test_every_need_is_granted_and_every_grant_is_needed",
        "infra/modules/images-data.bicep",
        "  scope: index\n",
        "  scope: images\n",
        is_predicted=True,
    ),
    *(
        Defense(
            f"tests/infra/test_roles.py::{name}",
            "infra/modules/images-data.bicep",
            "'Microsoft.Authorization/roleDefinitions', roles.storageBlobDataReader)",
            "'Microsoft.Authorization/roleDefinitions', roles.storageBlobDataContributor)",
            is_predicted=True,
        )
        for name in ("test_no_smaller_role_would_do", "test_nobody_but_the_person_who_deploys_may_change_images")
    ),
    Defense(
        "tests/infra/test_roles.py::test_the_role_that_tags_images_may_do_that_and_nothing_else",
        "infra/modules/images-data.bicep",
        "'${tagging}/write']",
        "'${tagging}/write', 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete']",
        is_predicted=True,
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("word", nargs="?", default="", help="only those whose test has this word")
    chosen = [it for it in DEFENSES if parser.parse_args().word in it.test]
    with tempfile.TemporaryDirectory(prefix="defenses-") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
        for name in LINKED:
            (copy / name).symlink_to((ROOT / name).resolve())
        told = {it.test: said(copy, it) for it in chosen}
    for test, what in told.items():
        sys.stdout.write(f"{what:<40} {test}\n")
    return int(any(what != "held" for what in told.values()))


def said(copy: Path, defense: Defense) -> str:
    """`held` if the test fails without the defense."""
    file = copy / defense.file
    text = file.read_text(encoding="utf-8")
    if text.count(defense.there) != 1:
        return f"{text.count(defense.there)} places in {defense.file}"
    file.write_text(text.replace(defense.there, defense.instead), encoding="utf-8")
    predictions = (
        {it: it.read_bytes() for it in (copy / "infra" / "snapshots").iterdir()} if defense.is_predicted else {}
    )
    try:
        if defense.is_predicted:
            predicting = run_in(copy, "infra.tools.snapshots")
            if predicting.returncode != 0:
                return f"not tried: {predicting.stderr.splitlines()[-1]}"
        done = run_in(copy, "pytest", "-q", "-x", "-p", "no:cacheprovider", defense.test)
    finally:
        file.write_text(text, encoding="utf-8")
        for prediction, content in predictions.items():
            prediction.write_bytes(content)
    failed = re.search(r"\b(\d+) failed", done.stdout)
    return "held" if failed else f"NOT HELD: {done.stdout.splitlines()[-1] if done.stdout else done.stderr[-60:]}"


def run_in(copy: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    compiler = find_compiler()
    paths = [*([str(Path(compiler).parent)] if compiler else []), os.environ["PATH"]]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PATH": os.pathsep.join(paths)}
    command = [sys.executable, "-B", "-m", module, *arguments]
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
