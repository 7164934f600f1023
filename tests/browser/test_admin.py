"""The admin page in Chromium: what each section shows, does, and says where it can't."""

import re
import time
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from admit.events import event
from tests.browser.administered import HOUR, IPHONE, ROLE, administered, failed
from tests.browser.watching import Watch


@pytest.fixture
def story(new_sites, tmp_path):
    with administered(new_sites, tmp_path) as story:
        yield story


def rows(tab):
    return tab.locator("tbody tr")


def test_users_are_found_as_one_types(story, context):
    story.crowd(120)
    tab = story.page(context)
    expect(rows(tab)).to_have_count(50)
    tab.get_by_label("Search").press_sequentially("bobby")
    expect(rows(tab)).to_have_count(1)
    expect(rows(tab)).to_contain_text("bob@example.com")
    expect(tab.get_by_role("status").filter(has_text="1 in all")).to_be_visible()
    assert tab.url.endswith("#users?search=bobby")
