"""`imp send` through the real command line: who is reached, who is not, and what the answer counts."""

from __future__ import annotations

import json


def total(result):
    """Every row of the audience, counted by what became of it."""
    counted = [result["malformed"], result["held_out"], result["to_send"]]
    return sum(counted) + sum(sum(result[name].values()) for name in ("refused", "before", "sent"))


def test_a_dry_run_sends_nothing_and_says_what_it_would_take(shop):
    shop.everybody(3)
    result = shop.send(shop.people(5)).ok().json
    assert (result["executed"], result["audience"], result["to_send"]) == (False, 5, 3)
    assert result["refused"] == {"no_record": 2}
    assert (result["plan"]["messages"], result["plan"]["cost"], result["plan"]["currency"]) == (3, "0.03", "EUR")
    assert result["plan"]["previews"][0]["parts"]["text"] == "Spring is here"
    assert shop.received() == []


def test_a_send_reaches_whom_the_gate_lets_through_and_nobody_else(shop):
    shop.everybody(4)
    shop.consent(
        ("email:p1@example.com", "marketing.email", "withdrawn"), ("email:r@x.com", "marketing.email", "refused")
    )
    audience = shop.audience([[f"p{i}@example.com", f"P{i}"] for i in range(6)] + [["r@x.com", "R"]])
    result = shop.send(audience, "--execute").ok().json
    assert shop.addresses() == ["p0@example.com", "p2@example.com", "p3@example.com"]
    assert result["sent"] == {"accepted": 3}
    assert result["refused"] == {"no_record": 2, "refused": 1, "withdrawn": 1}
    assert total(result) == result["audience"] == 7
    assert {row[3] for row in shop.received()} == {"P0", "P2", "P3"}
    shop.imp("audit", "verify").ok()


def test_nobody_is_sent_a_step_twice(shop):
    shop.everybody(3)
    twice = shop.audience([["p0@example.com", "A"], ["p1@example.com", "B"], ["P0@Example.com ", "A"]])
    first = shop.send(twice, "--execute").ok().json
    assert (first["sent"], first["refused"]) == ({"accepted": 2}, {"duplicate": 1})
    second = shop.send(shop.people(3), "--execute").ok().json
    assert (second["before"], second["sent"]) == ({"accepted": 2}, {"accepted": 1})
    assert shop.addresses() == ["p0@example.com", "p1@example.com", "p2@example.com"]
    shop.campaign('channel = "post"\npurpose = "marketing.email"\nstep = "2"\n[content]\ntext = "Again"\n')
    shop.send(shop.people(3), "--execute").ok()
    assert len(shop.addresses()) == 6


def test_the_order_of_delivery_is_not_that_of_the_audience(shop):
    shop.everybody(40)
    shop.send(shop.people(40), "--execute").ok()
    order = [row[0] for row in shop.received()]
    assert order != [f"p{i}@example.com" for i in range(40)]


def test_the_peer_sees_keys_that_are_stable_and_say_nothing(shop):
    shop.everybody(2)
    shop.settings(mode="half")
    answer = shop.send(shop.people(2), "--execute")
    assert answer.code == 1
    keys = {row[1] for row in shop.received()}
    shop.settings()
    shop.send(shop.people(2), "--execute", "--resend-in-doubt").ok()
    assert len({row[1] for row in shop.received()}) == 2
    assert keys <= {row[1] for row in shop.received()}


def test_somebody_known_by_another_identifier_is_reached_at_the_address_of_the_audience(shop):
    shop.consent(("member:1", "marketing.email", "given"), ("member:2", "marketing.email", "given"))
    shop.consent(("email:theirs@x.com", "marketing.email", "withdrawn"))
    audience = shop.audience(
        [["member:1", "one@x.com", "One"], ["member:2", "theirs@x.com", "Two"]], ("identifier", "email", "name")
    )
    result = shop.send(audience, "--execute").ok().json
    assert shop.addresses() == ["one@x.com"]
    assert result["refused"] == {"address_of_another": 1}


def test_an_erased_person_is_not_reached_under_another_identifier(shop):
    shop.consent(("email:ann+spring@example.com", "marketing.email", "given"), ("member:1", "marketing.email", "given"))
    shop.imp("consent", "erase", "email:ann+spring@example.com", "--execute").ok()
    audience = shop.audience([["member:1", "ann@example.com", "Ann"]], ("identifier", "email", "name"))
    assert shop.send(audience, "--execute").ok().json["refused"] == {"erased": 1}
    assert shop.received() == []


def test_rows_that_cannot_be_read_stop_the_send_unless_they_are_told(shop, tmp_path):
    shop.everybody(2)
    audience = shop.audience([["p0@example.com", "A"], ["no address", "B"], ["", "C"], ["p1@example.com", "D"]])
    answer = shop.send(audience, "--execute")
    assert answer.code == 2
    assert "row 2, identifier" in answer.err
    assert "row 3, address" in answer.err
    assert "no address" not in answer.err.replace("row 3, address: empty", "")
    assert shop.received() == []
    rejects = tmp_path / "rejects.csv"
    result = shop.send(audience, "--execute", "--rejects", str(rejects)).ok().json
    assert (result["malformed"], result["sent"]) == (2, {"accepted": 2})
    assert total(result) == 4
    assert rejects.read_text().splitlines()[0] == "row,field,problem"
    assert len(rejects.read_text().splitlines()) == 3


def test_refused_by_the_peer_is_told_and_not_tried_again(shop):
    shop.consent(("email:bounce@x.com", "marketing.email", "given"))
    audience = shop.audience([["bounce@x.com", "B"]])
    assert shop.send(audience, "--execute").ok().json["sent"] == {"refused": 1}
    assert shop.send(audience, "--execute").ok().json["before"] == {"refused": 1}


def test_what_cannot_be_sent_from_here_is_told_with_its_code_and_tried_again_by_the_next_run(shop):
    shop.everybody(3)
    shop.settings(mode="fail")
    answer = shop.send(shop.people(3), "--execute")
    assert (answer.code, answer.json["sent"]) == (1, {"failed": 3})
    assert answer.json["codes"] == {"failed": {"field-missing": 3}}
    shop.settings()
    assert shop.send(shop.people(3), "--execute").ok().json["sent"] == {"accepted": 3}
    shop.imp("audit", "verify").ok()


def test_a_content_that_cannot_be_sent_is_refused_before_anybody_is_touched(shop):
    shop.everybody(2)
    shop.campaign('channel = "post"\npurpose = "marketing.email"\n[content]\ntext = "forbidden words"\n')
    for options in ((), ("--execute",)):
        for audience in (shop.people(2), shop.people(1, first=7)):
            answer = shop.send(audience, *options)
            assert (answer.code, "bad-words" in answer.err) == (2, True)
    shop.campaign()
    assert shop.send(shop.people(2), "--execute").ok().json["sent"] == {"accepted": 2}


def test_why_nobody_was_reached_is_told_in_codes(shop):
    shop.everybody(3)
    shop.settings(mode="defer")
    answer = shop.imp("send", "post", "--audience", shop.people(3), "--campaign", "spring", "--execute")
    assert "3 (later 3)" in answer.out


def test_a_stop_at_the_peer_is_waited_out_and_the_deferred_are_tried_again(shop):
    shop.everybody(4)
    shop.settings(mode="retry")
    assert shop.send(shop.people(4), "--execute").ok().json["sent"] == {"accepted": 4}
    assert len(shop.addresses()) == 4


def test_who_stays_deferred_is_told_and_reached_by_the_next_run(shop):
    shop.everybody(4)
    shop.settings(mode="defer")
    answer = shop.send(shop.people(4), "--execute")
    assert (answer.code, answer.json["sent"]) == (1, {"deferred": 4})
    shop.settings()
    assert shop.send(shop.people(4), "--execute").ok().json["sent"] == {"accepted": 4}
    assert len(set(shop.addresses())) == len(shop.addresses()) == 4


def test_wrong_credentials_stop_the_send_and_nobody_counts_as_sent(shop):
    shop.everybody(120)
    shop.settings(mode="auth")
    answer = shop.send(shop.people(120), "--execute")
    assert answer.code == 1
    assert (answer.json["stopped"], answer.json["sent"]) == (True, {"deferred": 120})
    assert answer.json["problems"] == ["AuthInvalid: 535"]
    shop.settings()
    assert shop.send(shop.people(120), "--execute").ok().json["sent"] == {"accepted": 120}


def test_a_broken_batch_costs_itself_and_no_word_of_the_plugin_is_told(shop):
    shop.everybody(120)
    shop.settings(mode="raise-once")
    answer = shop.send(shop.people(120), "--execute")
    (problem,) = answer.json["problems"]
    assert problem.startswith("the plugin raised RuntimeError")
    assert "ann@example.com" not in answer.out + answer.err
    assert answer.json["sent"] == {"accepted": 120}


def test_a_channel_that_breaks_again_and_again_is_stopped(shop):
    shop.everybody(300)
    shop.settings(mode="raise")
    answer = shop.send(shop.people(300), "--execute")
    assert (answer.code, answer.json["stopped"]) == (1, True)
    assert total(answer.json) == 300
    assert shop.received() == []


def test_who_was_resolved_when_the_channel_broke_is_in_doubt_and_listed(shop):
    shop.everybody(4)
    shop.settings(mode="half")
    answer = shop.send(shop.people(4), "--execute")
    assert answer.code == 1
    doubtful = answer.json["in_doubt_rows"]
    assert len(doubtful) >= 1
    shop.settings()
    later = shop.send(shop.people(4), "--execute").json
    assert later["in_doubt_rows"] == doubtful
    assert later["before"]["in_doubt"] == len(doubtful)
    assert total(later) == 4
    shop.send(shop.people(4), "--execute", "--resend-in-doubt").ok()
    assert set(shop.addresses()) == {f"p{i}@example.com" for i in range(4)}
    shop.imp("audit", "verify").ok()


def test_a_withdrawal_between_dry_run_and_send_is_honoured(shop):
    shop.everybody(3)
    audience = shop.people(3)
    assert shop.send(audience).ok().json["to_send"] == 3
    shop.consent(("email:p1@example.com", "marketing.email", "withdrawn"))
    result = shop.send(audience, "--execute").ok().json
    assert (result["sent"], result["refused"]) == ({"accepted": 2}, {"withdrawn": 1})
    assert "p1@example.com" not in shop.addresses()


def test_no_address_is_kept_anywhere_in_the_workspace(shop):
    shop.everybody(3)
    shop.consent(("email:bounce@x.com", "marketing.email", "given"))
    audience = shop.audience([["bounce@x.com", "Geheim"], ["p1@example.com", "Geheim"]])
    shop.send(audience, "--execute").ok()
    shop.settings(mode="raise")
    shop.send(shop.people(3), "--execute")
    (shop.folder / "audience.csv").unlink()
    texts = b"".join(path.read_bytes() for path in shop.folder.rglob("*") if path.is_file())
    for word in (b"bounce@x.com", b"p1@example.com", b"Geheim"):
        assert word not in texts


def test_every_chunk_is_an_intent_and_a_close_in_the_ledger(shop):
    shop.everybody(120)
    shop.send(shop.people(120), "--execute").ok()
    shop.imp("audit", "verify").ok()
    import sqlite3  # noqa: PLC0415 (a look behind the door)

    sql = sqlite3.connect(shop.folder / "ledger.db")
    leaves = [json.loads(row[0]) for row in sql.execute("SELECT leaf FROM entry")]
    sql.close()
    intents = [leaf["fields"] for leaf in leaves if leaf.get("type") == "send-intent"]
    closes = [leaf["fields"] for leaf in leaves if leaf.get("type") == "send-close"]
    assert [intent["n"] for intent in intents] == [50, 50, 20]
    assert [close["counts"] for close in closes] == [{"accepted": 50}, {"accepted": 50}, {"accepted": 20}]
    assert {(intent["campaign"], intent["purpose"]) for intent in intents} == {("spring", "marketing.email")}


def test_an_outcome_changed_behind_the_door_is_found(shop):
    shop.everybody(2)
    shop.settings(mode="half")
    shop.send(shop.people(2), "--execute")
    import sqlite3  # noqa: PLC0415 (a look behind the door)

    sql = sqlite3.connect(shop.folder / "ledger.db")
    sql.execute("UPDATE delivery SET status = 'refused' WHERE status = 'in_doubt'")
    sql.commit()
    sql.close()
    answer = shop.imp("audit", "verify", "--json")
    assert answer.code == 1
    assert "send.results" in {problem["code"] for problem in answer.json["problems"]}


def test_a_channel_that_did_not_ask_for_addresses_gets_none(shop, post_site):
    manifest = post_site / "stranger_post" / "imp-plugin.toml"
    manifest.write_text(manifest.read_text().replace("resolve", "none"))
    shop.imp("plugin", "enable", "post").ok()
    shop.everybody(3)
    answer = shop.send(shop.people(3), "--execute")
    assert answer.code == 1
    assert answer.json["sent"] == {"in_doubt": 3}, "it may have reached people by its own handles"
    assert shop.received() == []


def test_a_plugin_may_stop_a_send_and_everybody_is_counted(shop, post_site):
    shop.everybody(2)
    code = (post_site / "stranger_post" / "plugin.py").read_text()
    veto = "\nfrom imp_core.hookspecs import Veto\n@hookimpl\ndef imp_veto(action):\n    return Veto(reason='no')\n"
    (post_site / "stranger_post" / "plugin.py").write_text(code + veto)
    import sys  # noqa: PLC0415 (the plugin is loaded anew)

    sys.modules.pop("stranger_post.plugin", None)
    assert shop.send(shop.people(2), "--execute").ok().json["refused"] == {"vetoed": 2}
    assert shop.received() == []
