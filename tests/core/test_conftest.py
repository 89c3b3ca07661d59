"""The command-line fixtures are what they say: the other tests lean on them."""

from __future__ import annotations


def test_the_real_command_line_answers_in_a_folder_of_its_own(imp):
    answer = imp("--version")
    assert (answer.code, answer.out) == (0, "imp, version 0.1.0\n")
    assert imp.environ["IMP_HOME"] == str(imp.workspace)


def test_the_command_line_in_this_process_answers_the_same(imp, imp_here):
    assert imp_here("plugin", "list", "--json").ok().json == imp("plugin", "list", "--json").ok().json
