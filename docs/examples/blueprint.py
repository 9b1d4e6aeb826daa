"""An application whose users sign in at an OpenID provider: the blueprint does all of it."""

from flask import Flask
from flask import render_template_string

from flask_oauthclient import OAuth
from flask_oauthclient import current_identity
from flask_oauthclient import login_required

HOME = """<!doctype html>
<title>Files</title>
{% if who %}
<p>Hello, {{ who.claims.name or who.sub }}. See <a href="{{ url_for('files') }}">your files</a>.</p>
<form method="post" action="{{ url_for('oauthclient.logout') }}"><button>Sign out</button></form>
{% else %}
<p><a href="{{ url_for('oauthclient.login') }}">Sign in</a></p>
{% endif %}
"""

oauth = OAuth()
oauth.register("demo", client_kwargs={"scope": "openid profile email"})


def create_app() -> Flask:
    app = Flask(__name__)
    app.config.from_prefixed_env()  # FLASK_SECRET_KEY, FLASK_DEMO_ISSUER, FLASK_DEMO_CLIENT_ID, ...
    oauth.init_app(app)
    app.register_blueprint(oauth.create_blueprint(), url_prefix="/auth")

    @app.get("/")
    def home() -> str:
        return render_template_string(HOME, who=current_identity)

    @app.get("/files")
    @login_required
    def files() -> dict[str, str]:
        return {"owner": current_identity.sub}

    return app
