"""Why a download failed, in one sentence that says what to do: a closed port, a 403 and a cut connection want
different remedies.

Neither pip nor the hub's client tells these apart in a form that programs can read, and both change their
exceptions between versions; what stays are the words of the layers below (sockets, TLS, HTTP), which are
looked for in the log or in the chain of exceptions.
"""

from __future__ import annotations

import os
import re
import urllib.request

from ..i18n import L

__all__ = ["patience", "told", "why"]

_OFFLINE = L(
    zh="设置了离线（HF_HUB_OFFLINE 或 PIP_NO_INDEX）：要下载就先取消",
    en="offline mode is on (HF_HUB_OFFLINE or PIP_NO_INDEX): unset it to download",
)
# The first that is found counts: causes near the reader's own machine come before what a server answered.
_CAUSES: tuple[tuple[str, L], ...] = (
    (
        r"ProxyError|[Cc]annot connect to proxy|Tunnel connection failed|\b407 Proxy",
        L(
            zh="代理连不上，或不放行：检查 HTTPS_PROXY、HTTP_PROXY 和 PIP_PROXY",
            en="the proxy cannot be reached or refuses: check HTTPS_PROXY, HTTP_PROXY and PIP_PROXY",
        ),
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerification|\[SSL\b|\[SSL:|ssl certificate",
        L(
            zh="{host} 的加密连接建立不了：网络要先登录就先登录，检查电脑的日期，或用 "
            "PIP_CERT、SSL_CERT_FILE 指明本单位的证书",
            en="no safe (SSL) connection to {host}: log in to the network if it asks, check the "
            "clock, or name your network's certificate in "
            "PIP_CERT and SSL_CERT_FILE",
        ),
    ),
    (
        r"not a trusted or secure host",
        L(
            zh="{host} 不是 https，pip 不用它：改用 https 地址，或设 PIP_TRUSTED_HOST={host}",
            en="{host} is not https, so pip passes it over: use an https address, or set "
            "PIP_TRUSTED_HOST={host}",
        ),
    ),
    (
        r"Name or service not known|NameResolutionError|[Nn]ame resolution|getaddrinfo "
        r"failed|nodename nor servname|No address associated|\[Errno -[235]\]",
        L(
            zh="找不到主机 {host}：检查是否联网、{mirror} 里的地址是否写对",
            en="the host {host} is not known: check that you are online and that the address in "
            "{mirror} is right",
        ),
    ),
    (
        r"[Cc]onnection refused|actively refused|WinError 10061",
        L(
            zh="{host} 拒绝连接，端口没有开：检查 {mirror} 里的地址和端口，以及防火墙",
            en="{host} refuses connections, its port is closed: check address and port in {mirror}, "
            "and the firewall",
        ),
    ),
    (
        r"[Nn]etwork is unreachable|No route to host|WinError 1005[01]|WinError 1006[05]",
        L(zh="到 {host} 的网络不通：检查是否联网", en="there is no way to {host}: check that you are online"),
    ),
    (
        r"\b[Tt]imed out|ReadTimeout|ConnectTimeout|PoolTimeout",
        L(
            zh="{host} 一直没有回应：过一会儿再试，或用 {mirror} 换一个镜像；网络很慢时把 "
            "COURSE_TIMEOUT（秒）设大",
            en="{host} does not answer: try later, or set {mirror} to another mirror; on a slow "
            "network raise COURSE_TIMEOUT (seconds)",
        ),
    ),
    (
        r"incomplete-download|IncompleteRead|Connection (broken|interrupted|aborted|reset)|ConnectionReset"
        r"|RemoteDisconnected|RemoteProtocolError"
        r"|peer closed|[Ss]erver disconnected|did not match its expected size|Consistency check failed",
        L(
            zh="与 {host} 的连接中途断了：再运行一次；总是断，就用 {mirror} 换一个镜像",
            en="the connection to {host} was cut: run it again; if it is cut every time, set "
            "{mirror} to another mirror",
        ),
    ),
    (
        r"JSONDecodeError",
        L(
            zh="{host} 的回答不是模型仓库的回答：网络要先登录就先登录，再检查 {mirror} 里的地址",
            en="{host} answers as no model hub does: log in to the network if it asks, and check "
            "the address in {mirror}",
        ),
    ),
    (r"HF_HUB_OFFLINE|OfflineMode", _OFFLINE),
)
# where there is a proxy, these speak of it
_NEAREST = ("not known", "refuses connections", "no way to", "does not answer")
_STATUS = (
    r'HTTP/[\d.]+" ([45]\d\d)\b',
    r"\b([45]\d\d) (?:Client|Server) Error",
    r"HTTP error ([45]\d\d)",
    r"'([45]\d\d) [A-Z]",
)
_ANSWERS: dict[str, L] = {
    "401": L(
        zh="{host} 要求登录（401）：检查 {mirror} 里的用户名和密码；模型仓库用 HF_TOKEN",
        en="{host} wants a login (401): check user name and password in {mirror}; for a model hub "
        "set HF_TOKEN",
    ),
    "403": L(
        zh="{host} 不许下载（403）：这个网络或镜像有限制，用 {mirror} 换一个镜像，或换一个网络",
        en="{host} forbids it (403): this network or mirror is restricted; set {mirror} to another "
        "mirror, or use another network",
    ),
    "404": L(
        zh="{host} 上没有它（404）：镜像不全，或 {mirror} 里的地址写错了",
        en="{host} does not have it (404): the mirror is incomplete, or the address in {mirror} is wrong",
    ),
    "407": _CAUSES[0][1],
    "429": L(
        zh="{host} 嫌请求太多（429）：等几分钟再试",
        en="{host} says that there were too many requests (429): wait some minutes",
    ),
    "4": L(
        zh="{host} 不接受请求（{status}）：检查 {mirror} 里的地址",
        en="{host} does not accept the request ({status}): check the address in {mirror}",
    ),
    "5": L(
        zh="{host} 自己出了故障（{status}）：过一会儿再试，或用 {mirror} 换一个镜像",
        en="{host} itself has failed ({status}): try later, or set {mirror} to another mirror",
    ),
}
_ABSENT = L(
    zh="软件包索引里没有它：镜像不全，用 PIP_INDEX_URL 换一个",
    en="the package index does not have it: set PIP_INDEX_URL to a complete mirror",
)


def patience() -> float:
    """Seconds of silence after which a server is given up: COURSE_TIMEOUT, 20 by default."""
    try:
        return max(float(os.environ.get("COURSE_TIMEOUT", "")), 1.0)
    except ValueError:
        return 20.0


def why(log: str, mirror: str, server: str) -> L | None:
    """The cause that `log` speaks of; `mirror` is the variable that names the `server`, an address. None:
    nothing known is in it."""
    lines, server = log.splitlines(), _host(log) or _host(server)
    for pattern, sentence in _CAUSES:
        for line in lines:
            if re.search(pattern, line):
                if any(words in sentence.en for words in _NEAREST) and _proxied(server):
                    sentence = _CAUSES[0][1]
                return sentence.format(host=_host(line) or server, mirror=mirror)
    answers = {found: line for line in lines for pattern in _STATUS for found in re.findall(pattern, line)}
    if answers:
        # one of several indexes lacks it: that is no news
        status = max(answers, key=lambda status: (status != "404", status))
        sentence = _ANSWERS.get(status) or _ANSWERS[status[0]]
        return sentence.format(host=_host(answers[status]) or server, mirror=mirror, status=status)
    if "No matching distribution" in log:
        return _OFFLINE if "Ignoring indexes" in log else _ABSENT
    return None


def told(error: BaseException) -> str:
    """All that an exception and those behind it say, one a line."""
    seen: list[str] = []
    while error is not None and len(seen) < 20:
        seen.append(f"{type(error).__name__}: {error}")
        error = error.__cause__ or error.__context__
    return "\n".join(seen)


def _proxied(server: str) -> bool:
    proxies = urllib.request.getproxies().keys() & {"http", "https", "all"} or os.environ.get("PIP_PROXY")
    return bool(proxies) and not urllib.request.proxy_bypass(server)


def _host(text: str) -> str:
    """The first server that `text` names, without a user's name and password."""
    found = re.search(
        r"https?://(?:[^/\s@]+@)?([\w.\-]+(?::\d+)?)|(?<=host=')([\w.\-]+)|connection \(\d+\): "
        r"([\w.\-]+:\d+)|located at ([\w.\-]+)",
        text,
    )
    return next(filter(None, found.groups()), "") if found else ""
