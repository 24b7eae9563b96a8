"""Where the training faces come from: all may be used for a model that ships. The card repeats this list."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    name: str
    repository: str  # on GitHub
    commit: str
    files: str  # glob inside the repository
    licence: str


SOURCES = (
    Source("faker", "faker-js/assets-person-portrait", "63aef57b5a839aebe3ad913ec7c76469aabbb6c5",
           "*/512/*.jpg", "CC0-1.0; generated pictures, nobody's face"),
    Source("interfaces", "cjdowner/interfaces", "2166b2273fd050699e112e95a251f0519cce58c3",
           "1000 x 1000/*.jpg", "CC0-1.0 by its README; photographs"),
    Source("congress", "vharnathka/cse151a", "daf08d6d3b8e105645c244071b27986ca0052db0",
           "images/*.jpg", "public domain: official portraits of the United States Congress, works of the government"),
    Source("bioguide", "voteview/member_photos", "687cf7a9212a445431ad7441d8bfd0b7bf297eff",
           "images/bio_guide/*.jpg", "public domain: the same, from the Biographical Directory; since the 107th Congress only"),
)
