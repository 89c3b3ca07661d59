"""After an opt-out nothing is sent, at once; one step later nobody has to remember it."""

from __future__ import annotations


def test_r51_whoever_opted_out_of_mail_is_in_no_send_that_begins_after_it(shop):
    shop.everybody(3)
    shop.send(shop.people(3), "--execute").ok()
    shop.imp("consent", "signal", "record", "email:P1@example.com", "--kind", "complaint", "--channel", "post").ok()
    shop.campaign('channel = "post"\npurpose = "marketing.email"\nstep = "2"\n[content]\ntext = "Again"\n')
    second = shop.send(shop.people(3), "--execute").ok().json
    assert (second["sent"], second["refused"]) == ({"accepted": 2}, {"channel_opt_out": 1})
    assert shop.addresses().count("p1@example.com") == 1


def test_r52_no_message_follows_a_stop_on_its_channel(shop):
    shop.everybody(2)
    words = ("--kind", "reply", "--raw", "退订", "--channel", "post")
    shop.imp("consent", "signal", "record", "email:p0@example.com", *words).ok()
    assert shop.send(shop.people(2), "--execute").ok().json["refused"] == {"channel_opt_out": 1}
    assert shop.addresses() == ["p1@example.com"]
