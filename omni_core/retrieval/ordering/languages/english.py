"""Words of order in English; see `language`."""

from omni_core.retrieval.ordering.language import Language

ENGLISH = Language(
    close={
        "after": (
            "(?:right|immediately|directly|just|straight|shortly|soon|next) (?:after|"
            "following|once)|(?:come|happen|follow)s? (?:next )?after|(?:come|happen|"
            "i)s? next after"
        ),
        "before": (
            "(?:right|immediately|directly|just|straight|shortly) (?:before|prior to|"
            "preceding)|(?:come|happen)s? before|leading up to|leads up to"
        ),
        "start": (
            "at the (?:very )?(?:beginning|start|opening)(?: of| in)?|"
            "(?:the )?(?:very )?(?:first|opening) (?:slide|page|scene|shot|words?|sentence|"
            "picture|image|chapter|section|minute|seconds|thing)s?(?: that is|"
            " which is)?(?: shown| said| seen| heard)? (?:of|in)"
        ),
        "end": (
            "at the (?:very )?(?:end|close|ending)(?: of| in)?|(?:the )?(?:very )?(?:last|"
            "final|closing) (?:slide|page|scene|shot|words?|sentence|picture|image|chapter|"
            "section|minute|seconds|thing)s?(?: that is| which is)?(?: shown| said| seen|"
            " heard)? (?:of|in)"
        ),
    },
    loose={
        "between": "(?:in )?between {} and {}",
        "after": "after|following|follow(?:s|ed)|once",
        "before": "before|prior to|preced(?:es|ed|ing)",
    },
    follow_up=(
        "(?:and )?(?:then )?what (?:happens|comes|follows|is (?:shown|said|seen)|do we see|"
        r"does \w+ (?:say|do))(?: right| immediately| directly)? (?:next|then|afterwards?|"
        "after (?:that|this|it))|(?:and )?what (?:follows|comes)(?: right| directly|"
        " immediately)?(?: after)?(?: (?:that|this|it))?"
    ),
    picks={
        "count": (
            "how (?:often|many (?:different |distinct |separate )?(?:times|occasions|moments|"
            "(?:pictures|photos|images|videos|films|clips|recordings|scenes|shots|slides|"
            "pages|documents|files)(?= (?:show|mention|contain|feature|have|has|are|with|of|"
            r"talk|say|depict|include|does|do|is|in)\b)))|"
            "(?:the )?(?:total )?number of (?:times|occasions|mentions|appearances)(?: of)?|"
            "count (?:how often|the times|all|every|each)"
        ),
        "first": (
            "(?:for )?the (?:very )?first time(?: that)?|(?:the )?(?:very )?(?:first|"
            "earliest) (?:mention|appearance|occurrence|sighting|moment)(?: of| that| when|"
            r" with)?|(?<=when )first(?= \w)|(?<!\bthe )(?<!\ba )(?<!\bat )\bfirst(?= (?:seen|"
            "shown|mention|appear|said|heard|spok|talk|see|show|say|come|came|introduc|rais|"
            "ask|discuss|visible|use|brought|bring|refer|hear|enter|named|read|arriv|notic|"
            r"happen|occur|speak)\w*)"
        ),
        "last": (
            "(?:for )?the (?:very )?last time(?: that)?|(?:the )?(?:very )?(?:last|latest|"
            "final|most recent) (?:mention|appearance|occurrence|sighting|moment)(?: of|"
            r" that| when| with)?|(?<=when )last(?= \w)|most recently|"
            r"(?<!\bthe )(?<!\ba )(?<!\bat )\blast(?= (?:seen|shown|mention|appear|said|heard|"
            "spok|talk|see|saw|show|say|come|came|rais|ask|discuss|visible|use|brought|bring|"
            r"refer|hear|named|read|notic|happen|occur|speak)\w*)"
        ),
    },
    asking=(
        "what which who whom where when how happens happen happened comes come came goes "
        "slide slides page chapter section sentence shot frame does do did show say topic "
        "next"
    ),
    empty=(
        "a an the this that these those it he she they we i you his her their is are was "
        "were be been being do does did has have had what which who whom whose where when "
        "how why will would can could to of in on at about with for from by into and or as "
        "then there here next right immediately directly just after before time times moment "
        "moments scene scenes shot shots slide slides page pages picture pictures image "
        "images photo photos frame frames clip clips part parts point section chapter "
        "sentence word words line lines thing things something anything topic subject "
        "happens happen happened happening comes come came coming goes follows follow "
        "followed following shown show shows showing see sees seen saw seeing appears appear "
        "appeared appearing visible look looks say says said saying speak speaks spoken "
        "spoke talk talks talked talking tell tells told mention mentions mentioned "
        "mentioning hear hears heard discuss discusses discussed describe describes "
        "described explain explains explained explaining presenter speaker narrator lecturer "
        "person people somebody someone one film films video videos movie recording meeting "
        "talk lecture presentation document report interview podcast written read reads "
        "screen displayed display finishing finished finishes ends ended starts started "
        "begins introducing introduced introduces first last called titled title again ever "
        "me us my our depicted depict contain contains containing feature features many "
        "often different"
    ),
    people="person people somebody someone",
    spoken=(
        "say says said saying speak speaks spoken spoke talk talks talked talking tell tells "
        "told mention mentions mentioned hear heard words sentence narrator ask asks asked "
        "answer answers explains explain"
    ),
    shown=(
        "see sees seen saw show shows shown showing appear appears appeared visible look "
        "looks picture image photo shot scene slide slides frame screen displayed"
    ),
    written="mention mentions mentioned written read reads text page paragraph section",
    film=r"\b(?:in|of|during|from) (?:the|this|that) (?:film|movie|video|clip)\b",
    inside="in|of|from|during|inside|within",
    sources=(
        "film films movie video clip recording meeting talk lecture presentation slides "
        "document report interview podcast call book paper briefing session album file "
        "episode"
    ),
    question="what|which|who|where|how|why",
)
