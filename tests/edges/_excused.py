"""What has no meaning at an edge, and why: the only place where a row may be left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

ALL = ("flask", "flask-httpx", "django")
HTTPX = ("flask-httpx",)
DJANGO = ("django",)
#: One algorithm of each kind stays; these are left out where a row is about all of them.
_MORE_OF_A_KIND = (
    "RS384",
    "RS512",
    "PS384",
    "PS512",
    "ES384",
    "ES512",
    "Ed25519",
    "HS384",
    "HS512",
)


@dataclass(frozen=True, slots=True)
class Excuse:
    """Tests that do not run at some edges."""

    module: str
    edges: tuple[str, ...]
    #: Their names without the edge; ``*`` stands for anything.
    rows: tuple[str, ...]
    why: str
    #: Of each row, the first variant runs all the same.
    all_but_first: bool = False

    def is_for(self, module: str, edge: str, name: str) -> bool:
        """Whether a test is excused."""
        if module != self.module or edge not in self.edges:
            return False
        return any(fnmatchcase(name, row.replace("[", "[[]")) for row in self.rows)


def _each(name: str, pattern: str, values: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{name}[{pattern.format(value)}]" for value in values)


EXCUSES = (
    Excuse(
        "test_login_tables",
        HTTPX,
        ("test_state[S13-*]",),
        "A thousand logins that are begun: nothing but the metadata is asked for over HTTP.",
    ),
    Excuse(
        "test_login_tables",
        HTTPX,
        ("test_request_and_client[A*", "test_request_and_client[K*"),
        "An authorization request is a URL, and settings are read: nothing is sent.",
    ),
    Excuse(
        "test_login_tables",
        DJANGO,
        ("test_state[S13-simple]",),
        "A thousand more of the logins of S13-none, to no other end.",
    ),
    Excuse(
        "test_any_callback",
        DJANGO,
        ("*[simple]",),
        "What is no callback does not get as far as the place where logins are kept.",
    ),
    Excuse(
        "test_any_callback",
        HTTPX,
        ("*",),
        "Whatever is no callback is refused before anything is sent by whatever library.",
    ),
    Excuse(
        "test_form_post",
        DJANGO,
        ("test_other_forms_of_the_application_are_left_alone",),
        "Flask's registry sees the posts of a whole application; Django's only those of its views.",
    ),
    Excuse(
        "test_id_token",
        ALL,
        (
            "test_the_tables_of_algorithms_are_the_same",
            "test_i14_rsa_signature_keeps_the_zero_at_its_front*",
            "test_i36_hash_claim_fails_closed_without_a_known_hash*",
            "test_i37_hash_of_ed25519_is_sha512*",
            "test_half_hash_of_half_a_character_is_no_accident",
            "test_what_is_expected_shows_no_secret",
            "test_expected_needs_client_and_issuer_only",
            "test_mac_of_the_tests_is_a_mac",
            "test_mac_without_a_secret_is_a_matter_of_configuration",
            "test_empty_mac_key_verifies_nothing",
            "test_rsa_key_of_a_monstrous_size_verifies_nothing*",
            "test_error_does_not_hold_the_token",
            "test_segments_are_kept_as_they_were_signed",
        ),
        "About a function of the protocol: there is no token that a login could judge.",
    ),
    Excuse(
        "test_id_token",
        ALL,
        ("test_token_must_be_a_compact_jws_in_canonical_form[I12-bytes]",),
        "JSON has no bytes.",
    ),
    Excuse(
        "test_id_token",
        ALL,
        ("test_token_must_be_a_compact_jws_in_canonical_form[I12-none]",),
        "In a token response, null is no ID token: that is another error.",
    ),
    Excuse(
        "test_id_token",
        ALL,
        ("test_token_must_be_a_compact_jws_in_canonical_form[I46-huge-token]",),
        "A token response of five megabytes is cut off before there is a token.",
    ),
    Excuse(
        "test_id_token",
        ALL,
        ("test_claim_is_accepted[at-hash-without-token]",),
        "A login has an access token.",
    ),
    Excuse(
        "test_id_token",
        ALL,
        ("test_secret_verifies_no_signature*", "test_i04_published_mac_key_verifies_nothing"),
        "A site allows MACs by its secret or signatures by published keys, so that it is the "
        "algorithm that is refused; see the other tests of I04.",
    ),
    Excuse(
        "test_id_token",
        ALL,
        ("test_client_secret_is_a_mac_key_whatever_it_looks_like[-----BEGIN*",),
        "A registration takes what looks like PEM for the private key that it is.",
    ),
    Excuse(
        "test_id_token",
        ALL,
        ("test_the_last_character_of_a_segment_has_one_form_only",),
        "Sixty-four tokens for what the row I12-stray-bits says with one.",
    ),
    Excuse(
        "test_id_token",
        ALL,
        (
            "test_header_is_rejected[RS256-*]",
            "test_header_is_accepted[RS256-*]",
            *_each("test_i13_signature_of_another_key_is_rejected", "{}", _MORE_OF_A_KIND),
            *_each("test_i13_altered_signature_is_rejected", "*-{}", _MORE_OF_A_KIND),
            *_each("test_i13_altered_payload_is_rejected", "{}", _MORE_OF_A_KIND),
            *_each("test_i14_signature_of_a_wrong_length_is_rejected", "*-{}", _MORE_OF_A_KIND),
            *_each("test_claims_are_checked_whatever_the_algorithm", "*-{}", ("ES384", "Ed25519")),
            *_each(
                "test_hash_binds_by_the_hash_of_the_algorithm",
                "*-{}",
                ("RS384", "PS256", "PS384", "PS512", "ES512", "Ed25519", "HS384", "HS512"),
            ),
        ),
        "One algorithm of each kind shows that the login asks; the rest is the protocol's.",
    ),
    Excuse(
        "test_id_token",
        ("flask", "flask-httpx"),
        ("*",),
        "Of each row one variant shows that the login asks; on Django all of them run.",
        all_but_first=True,
    ),
)
