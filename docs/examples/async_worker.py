"""Calls of an API side by side, with one token that is fetched once and renewed once."""

import asyncio
import os

from flask_oauthclient.httpx_client import AsyncOAuth2Client


async def main() -> None:
    async with AsyncOAuth2Client(
        os.environ["CLIENT_ID"],
        os.environ["CLIENT_SECRET"],
        token_endpoint=os.environ["TOKEN_ENDPOINT"],
        scope="jobs",
    ) as client:
        await client.fetch_token(grant_type="client_credentials")
        calls = [client.get(os.environ["API"]) for _ in range(20)]
        print([response.status_code for response in await asyncio.gather(*calls)])


asyncio.run(main())
