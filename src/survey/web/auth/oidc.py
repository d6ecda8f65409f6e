"""Sign-in through an external OpenID Connect provider, if one is configured (`/auth/outside`).

The authorization code flow with PKCE and a verified ID token.
"""

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2
from anyio import to_thread
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.oidc_identity import (
    OidcAccountNotFoundError,
    OidcIdentity,
    OidcRequest,
    pop_oidc_request,
    save_oidc_request,
    start_oidc_sign_in,
)
from survey.locale import Message, SurveyError, msg
from survey.settings import Settings
from survey.web.auth.pages import STEP_COOKIE, AuthContext
from survey.web.http import is_same_site, redirect_response, safe_path

OIDC_CALLBACK_PATH = "/auth/outside/back"
_LOG = logging.getLogger(__name__)
SECONDS = 5.0
SCOPE = "openid email"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
"""Signatures with a key of the provider; none with a shared secret, and never `none`."""
LEEWAY = 60
"""Seconds by which the provider's clock may differ."""
MAX_SUBJECT_CHARS = 255


class OidcProviderError(SurveyError):
    """Raised when the provider fails or breaks the standard; the log contains the reason."""

    code = "provider_failed"
    message = msg("Signing in through the provider did not work. Please try again in a minute.")


@dataclass(frozen=True)
class OidcClient:
    """Client of the configured provider, which reads the provider's metadata for each sign-in."""

    settings: Settings
    redirect_uri: str

    def build_request(self, redirect_to: str) -> tuple[OidcRequest, str]:
        """Return a new sign-in request and the provider's address to redirect the browser to."""
        description = self._read_description()
        verifier = secrets.token_urlsafe(48)
        nonce = secrets.token_urlsafe(24)
        with self._build_client() as client:
            address, state = client.create_authorization_url(
                description["authorization_endpoint"], code_verifier=verifier, nonce=nonce
            )
        return OidcRequest(self.settings.oidc_issuer, state, nonce, verifier, redirect_to), address

    def redeem(self, request: OidcRequest, code: str) -> OidcIdentity:
        """Exchange the authorization code for the person's identity as the provider confirms it.

        Raises:
            OidcProviderError: The provider failed, or its ID token is not valid.
        """
        description = self._read_description()
        try:
            with self._build_client() as client:
                token = client.fetch_token(
                    description["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=request.verifier,
                )
                claims = self._verify_token(token["id_token"], description, request.nonce)
                claims = self._add_email(client, description, claims)
        except (AuthlibBaseError, JoseError, httpx2.HTTPError, KeyError, ValueError) as error:
            _LOG.warning("an answer of the OpenID Connect provider was refused: %r", error)
            raise OidcProviderError from error
        subject, email = claims["sub"], claims.get("email")
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARS:
            raise OidcProviderError
        verified = claims.get("email_verified") is True and isinstance(email, str)
        return OidcIdentity(request.issuer, subject, str(email) if verified else "")

    def _build_client(self) -> Any:
        return OAuth2Client(
            self.settings.oidc_client_id,
            self.settings.oidc_client_secret or None,
            token_endpoint_auth_method=(
                "client_secret_basic" if self.settings.oidc_client_secret else "none"
            ),
            scope=SCOPE,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            timeout=SECONDS,
        )

    def _read_description(self) -> Mapping[str, str]:
        """Return the provider's metadata; raise if they are not those of the configured issuer."""
        issuer = self.settings.oidc_issuer
        description: dict[str, str] = _read_json(
            f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        )
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if description.get("issuer") != issuer or not all(description.get(name) for name in needed):
            _LOG.warning("%s does not describe itself as that issuer", issuer)
            raise OidcProviderError
        return description

    def _verify_token(
        self, token: str, description: Mapping[str, str], nonce: str
    ) -> dict[str, Any]:
        keys = KeySet.import_key_set(_read_json(description["jwks_uri"]))
        claims: dict[str, Any] = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        client = self.settings.oidc_client_id
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": description["issuer"]},
            aud={"essential": True, "value": client},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        rules.validate(claims)
        if claims.get("azp", client) != client:
            raise ValueError("the ID token was made for another party")
        return claims

    def _add_email(
        self, client: Any, description: Mapping[str, str], claims: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the ID token's `claims`; without e-mail, add those of the provider's userinfo."""
        if "email" in claims or not description.get("userinfo_endpoint"):
            return claims
        response = client.get(description["userinfo_endpoint"])
        response.raise_for_status()
        userinfo = response.json()
        if userinfo.get("sub") != claims["sub"]:
            raise ValueError("the provider described another person")
        return {**userinfo, **claims}


def _read_json(address: str) -> Any:
    try:
        response = httpx2.get(address, timeout=SECONDS)
        response.raise_for_status()
        document = response.json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        _LOG.warning("the OpenID Connect provider does not answer: %r", error)
        raise OidcProviderError from error
    if not isinstance(document, dict):
        raise OidcProviderError
    return document


class OidcEndpoints:
    """Endpoints that redirect to the provider and receive its answer in the same browser."""

    def __init__(self, context: AuthContext) -> None:
        self.context = context

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the redirect to the provider and of its callback."""
        return [
            Route("/auth/outside", self.get_provider_redirect, methods=["GET"]),
            Route(OIDC_CALLBACK_PATH, self.get_callback, methods=["GET"]),
        ]

    async def get_provider_redirect(self, request: Request) -> Response:
        """Redirect the browser to the provider; by GET, as forms may not post to other sites."""
        self.context.require_turn(request)
        if not is_same_site(request, self.context.settings):
            raise HTTPException(403)
        target = safe_path(request.query_params.get("next"))
        try:
            oidc_request, address = await to_thread.run_sync(
                self._build_client(request).build_request, target
            )
        except SurveyError as error:
            return self._show_refusal(request, error.message, 503)
        secret = await self.context.write(
            request, lambda sign_in: save_oidc_request(sign_in, oidc_request)
        )
        response = redirect_response(address)
        STEP_COOKIE.save(response, request, self.context.settings, secret)
        return response

    async def get_callback(self, request: Request) -> Response:
        """Exchange the provider's answer for a sign-in and redirect to its next step."""
        self.context.require_turn(request)
        params = request.query_params
        try:
            oidc_request = await self.context.write(
                request, lambda sign_in: pop_oidc_request(sign_in, params.get("state", ""))
            )
            if not params.get("code"):
                return self._show_refusal(request, msg("You were not signed in."), 403)
            identity = await to_thread.run_sync(
                partial(self._build_client(request).redeem, oidc_request, params["code"])
            )
            step = await self.context.write(
                request,
                lambda sign_in: start_oidc_sign_in(
                    sign_in,
                    identity,
                    second_factor=self.context.settings.oidc_second_factor,
                    redirect_to=oidc_request.redirect_to,
                ),
            )
            if step is None:
                raise OidcAccountNotFoundError
            return await self.context.next_step(request, step)
        except SurveyError as error:
            return self._show_refusal(request, error.message, 403)

    def _build_client(self, request: Request) -> OidcClient:
        settings = self.context.settings
        origin = settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
        return OidcClient(settings, f"{origin}{OIDC_CALLBACK_PATH}")

    def _show_refusal(self, request: Request, message: Message, status: int) -> Response:
        title = msg("You are not signed in")
        return self.context.render_refusal(request, title, message, status=status)
