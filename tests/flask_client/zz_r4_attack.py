from __future__ import annotations
import json, time
from typing import Any
import pytest, cachelib, flask
from tests.helpers.clock import Clock
from ._people import PeopleSite, Person, people_sites, logout_token
from ._site import ISSUER, ORIGIN, BlueprintSite
from .test_linking import make_linking, links, other, alice_at  # noqa
from .test_backchannel_logout import *  # noqa
for _n in [n for n in list(globals()) if n.startswith("test_")]:
    del globals()[_n]

from flask_oauthclient import login_required

def client_of(site, cookies=()):
    c = site.app.test_client(use_cookies=False)
    return c

def cookies_of(person_or_site):
    b = person_or_site.browser
    return "; ".join(f"{c.name}={c.value}" for c in b.cookies if c.domain.startswith("rp.test"))

def session_cookies(answer):
    return [v for v in answer.headers.getlist("Set-Cookie") if v.startswith("session=")]

def test_1_cross_site_post_to_guarded_view_overwrites_session(site):
    site.app.add_url_rule("/act", "act", login_required(lambda: "x"), methods=["POST"])
    a = client_of(site).post("/act", base_url=ORIGIN, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Origin": "https://evil.test"})
    assert session_cookies(a) == [], a.headers

def test_2_planted_plain_cookie_is_taken_over_https(site):
    visit = site.begin()
    jar = {c.name: c.value for c in site.browser.cookies if c.name.startswith("__Host-oac_")}
    [(name, value)] = jar.items()
    planted = f"{name.removeprefix('__Host-')}={value}"
    a = client_of(site).get(visit.url.removeprefix(ORIGIN), base_url=ORIGIN, headers={"Cookie": planted})
    assert a.status_code != 302 or "again" in a.headers["Location"], a.headers

def test_3_link_max_age_silent(make_linking, monkeypatch):
    clock = Clock(monkeypatch)
    site = make_linking()
    alice = alice_at(site)
    clock.advance(7200)
    alice.open("/auth/login/demo", next="/who")   # silent at the provider
    page = alice.post("/auth/link/other", next="/who")
    asked = [v.url for v in page.history if "/authorize" in v.url]
    assert "max_age" in asked[0], asked

def test_3b_unlink(make_linking, links, monkeypatch):
    clock = Clock(monkeypatch)
    site = make_linking()
    alice = alice_at(site)
    clock.advance(7200)
    alice.sign_out()
    alice.open("/auth/login/demo", next="/who")
    print(alice.who)
    alice.post("/auth/unlink/other", next="/who")
    assert links.unlinked == []

def test_4_expired_state_restarts_signed_in(make_linking, monkeypatch):
    clock = Clock(monkeypatch)
    site = make_linking()
    with site.app.test_request_context("/auth/login/demo", base_url=ORIGIN):
        state = site.oauth.demo.framework.new_state()
    clock.advance(700)
    alice = alice_at(site)
    before = alice.session["_oauthclient_identity"]
    a = client_of(site).get(f"/auth/callback/demo?state={state}&code=x", base_url=ORIGIN, headers={"Cookie": cookies_of(alice), "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
    assert a.status_code == 400, (a.status_code, a.headers)

def test_5_jwks_public_with_session_cookie(make_blueprint_site):
    site = make_blueprint_site()
    site.app.add_url_rule("/perm", "perm", lambda: (setattr(flask.session, "permanent", True), flask.session.update(a=1), "x")[2])
    site.open("/perm")
    a = client_of(site).get("/auth/jwks.json", base_url=ORIGIN, headers={"Cookie": cookies_of(site)})
    assert not (session_cookies(a) and "public" in a.headers["Cache-Control"]), a.headers

@pytest.mark.parametrize("value", ["http://[", "https://[::1", "null", "https://rp.test:x", "http://[v1.x]"])
@pytest.mark.parametrize("name", ["Origin", "Referer"])
@pytest.mark.parametrize("path", ["/auth/logout", "/auth/login/demo", "/auth/link/demo", "/auth/callback/demo", "/auth/backchannel-logout/demo", "/plain"])
def test_6_malformed(site, name, value, path):
    site.app.add_url_rule("/plain", "plain", lambda: "x", methods=["POST"])
    a = client_of(site).post(path, base_url=ORIGIN, data={"state": "x"}, headers={name: value})
    assert a.status_code < 500, a.status_code

def test_7_backchannel_during_login(people):
    alice = people.signed_in()
    sid = alice.sid
    alice.sign_out  # noqa
    # a second login in the same provider session, stopped before callback
    page = alice.browser.sign_in(f"{ORIGIN}/auth/login/demo?next=/who", "alice", stop_before=f"{ORIGIN}/auth/callback/")
    url = page.history[-1].url
    assert people.tell(people.token(sid=sid)).status_code == 200
    alice.browser.open(url)
    assert not alice.is_in

def test_8_static_suffix(people):
    flaskapp = people.app
    seen = []
    def export_static():
        seen.append(hasattr(flask.g, "_login_user"))
        seen.append("_oauthclient_identity" in flask.session)
        return "x"
    flaskapp.add_url_rule("/export", "export_static", export_static)
    alice = people.signed_in()
    assert people.tell(people.token(sub="alice")).status_code == 200
    alice.open("/export")
    assert seen[1] is False

def test_10_http_origin_on_https(site):
    site.sign_in()
    a = client_of(site).post("/auth/logout", base_url=ORIGIN, headers={"Origin": "http://rp.test", "Cookie": cookies_of(site)})
    assert a.status_code == 403

PATHS = ["/auth/login", "/auth/login/demo", "/auth/callback/demo", "/auth/logout/callback", "/auth/frontchannel-logout/demo", "/private", "/auth/jwks.json", "/auth/logout", "/auth/backchannel-logout/demo", "/auth/link/demo", "/auth/unlink/demo"]
VALUES = ["%ff", "%ed%a0%80", "%00", "%0d%0aX:1", "a"*3000, "%F0%9F%98%80", "[]", "{}", "//evil", "%5B%22a%22%5D", "https://%5B", "http://rp.test%5B/", "https://op.test", "%E2%80%A8"]
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", PATHS)
def test_11_fuzz(site, path, method):
    bad = []
    c = client_of(site)
    for p in ["state", "iss", "next", "again", "oauthclient_form", "code", "error", "error_description", "target_link_uri", "login_hint", "sid", "logout_token", "oauth_token", "switch", "response"]:
        for v in VALUES:
            for hdr in ({}, {"Cookie": "session=x; oac_a=1.2; __Host-oac_=zz; oauthclient_logout=x.y"}):
                q = f"{p}={v}"
                if p == "sid": q += "&iss=https://op.test"
                kw = {}
                if method == "POST": kw = {"data": q, "content_type": "application/x-www-form-urlencoded"}
                a = c.open(f"{path}?{q}", method=method, base_url=ORIGIN, headers=hdr, **kw)
                if a.status_code >= 500: bad.append((a.status_code, q, method))
                loc = a.headers.get("Location")
                if loc and not (loc.startswith("/") and not loc.startswith("//")) and not loc.startswith("https://op.test/") and not loc.startswith("?"):
                    bad.append((loc, q))
                if "\n" in str(loc): bad.append(loc)
    assert not bad, bad[:5]

KEYS = ["_oauthclient_identity", "_oauthclient_asked", "_oauthclient_done", "_oauthclient_next", "_oauthclient_again", "_oauthclient_demand", "_oauthclient_leaving", "_state_demo_x"]
JUNK = [None, 1, True, "x", "", [], [1], ["a", "b", "c"], [1, 2], {}, {"a": 1}, {"sub": "alice"}, '["demo","https://op.test","alice",null,"abc",1]', '["demo","https://op.test","alice",null,"abc",9999999999]\n[]', '{"x": [1]}', '{"x": []}', '{"x": ["a", "b"]}', '[]', [["a"], "/x"], ["demo", 5], {"data": 1}, {"exp": "x", "data": {}}, {"exp": None}]
@pytest.mark.parametrize("key", KEYS)
def test_12_session_junk(site, key):
    site.app.add_url_rule("/deep", "deep", login_required("demo", scopes=["x"])(lambda: "x"))
    ser = site.app.session_interface.get_signing_serializer(site.app)
    bad = []
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    for junk in JUNK:
        cookie = "session=" + ser.dumps({key: junk})
        for path in ["/who", "/private", "/deep", "/auth/login/demo?next=/deep", "/auth/login/demo?again=b", "/auth/callback/demo?state=x", "/auth/logout/callback", "/auth/logout"]:
            m = "POST" if path.endswith("/logout") else "GET"
            try:
                a = client_of(site).open(path, method=m, base_url=ORIGIN, headers={"Cookie": cookie})
                if a.status_code >= 500: bad.append((junk, path, a.status_code))
            except Exception as e:
                bad.append((junk, path, repr(e)))
    assert not bad, bad

def age_sessions(provider, by):
    import gc
    from flask_oauthclient.testing.provider.sessions import BrowserSession
    for s in gc.get_objects():
        if isinstance(s, BrowserSession): s.auth_time -= by

def test_3c_link_with_old_auth_time(make_linking, links):
    site = make_linking()
    site.provider.auto_sign_in = None
    alice = alice_at(site)
    age_sessions(site.provider, 7200)
    alice.sign_in("/auth/login/demo", next="/who")       # silent: nobody proves anything
    alice.post("/auth/unlink/other", next="/who")
    assert links.unlinked == [], "unlinked without proof"

from .test_flask_login import make_app, users, user_of
import flask_login
def test_13_before_request_sees_user(make_app):
    site = make_app()
    site.app.before_request_funcs[None].insert(0, lambda: str(flask_login.current_user.is_authenticated) and None)
    alice = site.signed_in()
    cookie = cookies_of(alice)
    assert site.tell(site.token(sub="alice")).status_code == 200
    got = [client_of(site).get("/members", base_url=ORIGIN, headers={"Cookie": cookie}).status_code for _ in range(3)]
    assert got == [401] * 3, got

def test_13b_copy_after_logout(make_app):
    site = make_app()
    site.app.before_request_funcs[None].insert(0, lambda: str(flask_login.current_user.is_authenticated) and None)
    alice = site.signed_in()
    cookie = cookies_of(alice)
    alice.sign_out()
    got = [client_of(site).get("/members", base_url=ORIGIN, headers={"Cookie": cookie}).status_code for _ in range(3)]
    assert got == [401] * 3, got

def test_14_remember_token_alone(make_app):
    site = make_app(remember=True)
    alice = site.signed_in()
    cookie = "; ".join(p for p in cookies_of(alice).split("; ") if p.startswith("remember_token"))
    assert cookie
    assert site.tell(site.token(sub="alice")).status_code == 200
    a = client_of(site).get("/members", base_url=ORIGIN, headers={"Cookie": cookie})
    assert a.status_code == 401

@pytest.mark.parametrize("how", ["HEAD", "prefetch", "none"])
def test_9_logout_callback_not_consumed(make_people_site, how):
    site = make_people_site()
    alice = site.signed_in()
    form = f'{ORIGIN}/form?action=/auth/logout&fields={{"next":"/who"}}'
    page = alice.browser.walk(form, press=["Go", "Sign out", "Yes"], stop_before=f"{ORIGIN}/auth/logout/callback")
    url = page.history[-1].url
    import re
    c = site.app.test_client(use_cookies=True)
    for part in cookies_of(alice).split("; "):
        n, v = part.split("=", 1); c.set_cookie(n, v, domain="rp.test", secure=True)
    hdr = {"Sec-Purpose": "prefetch"} if how == "prefetch" else {}
    if how != "none": a0 = c.open(url.removeprefix(ORIGIN), method="HEAD" if how == "HEAD" else "GET", base_url=ORIGIN, headers=hdr)
    a = c.get(url.removeprefix(ORIGIN), base_url=ORIGIN)
    assert a.status_code in (200, 302), (how, a.status_code)

def test_15_two_blueprints_callback_elsewhere(make_blueprint_site):
    got = []
    site = make_blueprint_site(on_start=lambda n: {"from": "a"})
    bp = site.oauth.create_blueprint("staff", on_login=lambda r: got.append(r.extra) or "staff-1")
    site.app._got_first_request = False
    site.app.register_blueprint(bp, url_prefix="/staff")
    visit = site.begin("/auth/login/demo")
    a = site.browser.open(visit.url.replace("/auth/callback", "/staff/callback"))
    assert got == [], (a.status, got)

def test_16_mismatched_login_side_effects(make_app):
    pass
