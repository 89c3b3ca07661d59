import hmac

from hypothesis import given
from hypothesis import strategies as st

from imp_consent.identity.hashing import keyed_hash


@given(st.binary(max_size=200), st.binary(max_size=300))
def test_the_fast_hash_is_hmac_sha_256_for_keys_and_data_of_every_length(key: bytes, data: bytes) -> None:
    assert keyed_hash(key, data) == hmac.digest(key, data, "sha256")
