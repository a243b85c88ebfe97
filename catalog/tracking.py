"""Parameters of an address that follow the visitor and do not name the page.

Each is documented by the one who adds it; the vendor stands beside its names. Not in the list, though other lists have
them: `ref`, `source`, `sid` and `id`, which name articles in many shops (`sid` goes where its value is a session's).
"""

import re

from catalog.extraction.word_lists import word_set

_NAMES = word_set(
    """
    gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid srsltid _ga _gl _gac
    fbclid fb_action_ids fb_action_types fb_source fb_ref igshid igsh
    msclkid
    yclid ysclid _openstat yadclid yadordid
    twclid ttclid li_fat_id epik rdt_cid sccid scid_click
    mc_cid mc_eid
    _hsenc _hsmi __hstc __hssc __hsfp hsctatracking
    mkt_tok elqtrackid elqtrack
    _ke _kx klaviyo_id
    vero_id vero_conv oly_anon_id oly_enc_id wickedid ml_subscriber ml_subscriber_hash __s _bta_tid _bta_c
    s_kwcid ef_id s_cid icid
    irclickid irgwc cjevent cjdata awc zanpid tduid ranmid raneaid ransiteid clickid wt_mc
    spm scm algo_pvid algo_exp_id pvid
    _pos _psq _ss _sid _fid pr_prod_strat pr_rec_id pr_rec_pid pr_ref_pid pr_seq
    ref_ ref_src ref_url
    """
)
# Google: utm; Matomo: pk, mtm, piwik, matomo; HubSpot: hsa; Piano: at_; Criteo: cto; Webtrends: wt; Tealium: tealium
_PREFIXES = re.compile(r"(?:utm|pk|mtm|piwik|matomo|hsa|cto|stm|itm)_[a-z]")

# PHP, Java, ASP, ColdFusion, osCommerce and its heirs, TYPO3
_SESSION_NAMES = word_set(
    "phpsessid jsessionid aspsessionid sessid sessionid session_id cfid cftoken oscsid zenid xtcsid modsid fe_typo_user"
)
_SESSION_VALUE = re.compile(r"[0-9a-z]{16,}", re.IGNORECASE)
_SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;]*", re.IGNORECASE)
_ASP_NET_IN_PATH = re.compile(r"/(?:\([ASF]\([0-9A-Za-z]{20,}\)\))+(?=/)")


def is_tracking(name: str, value: str) -> bool:
    """Tell whether a parameter names a visitor, a campaign or a session rather than a page."""
    name = name.casefold()
    if name in _NAMES or name in _SESSION_NAMES or _PREFIXES.match(name) is not None:
        return True
    return name in ("sid", "session") and _SESSION_VALUE.fullmatch(value) is not None


def without_session(path: str) -> str:
    """Return a path without a session's id: `;jsessionid=...` of Java, `/(S(...))` of ASP.NET."""
    return _ASP_NET_IN_PATH.sub("", _SESSION_IN_PATH.sub("", path))
