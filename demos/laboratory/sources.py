"""What the sources of 1986 say, fact by fact: the only things that a row may credit them with.

No facsimile was at hand. Nature's paper was read in a full transcription. What is known of chapter
8 of Parallel Distributed Processing comes from texts that cite its pages; such facts say so.
"""

from __future__ import annotations

from tinygrad_edu.lesson.facts import Fact

__all__ = [
    "ADDITION",
    "BACK",
    "ENCODER",
    "FAMILY_FACTS",
    "FAMILY_TRAINED",
    "FAMILY_UNITS",
    "LINNAINMAA",
    "MIRROR",
    "PARITY",
    "RATIO",
    "SYMMETRY_RUN",
    "TWINS",
    "WERBOS",
    "XOR_DIRECT",
    "XOR_STUCK",
    "XOR_WIDTH",
]

NATURE = "Rumelhart, Hinton, Williams, Nature 323 (1986)"
PDP = "Rumelhart, Hinton, Williams, Parallel Distributed Processing 1 (1986), chapter 8"
CITING = "texts that cite the page"

# --- Nature ---------------------------------------------------------------------------------------

BACK = Fact(
    NATURE,
    "eqs. 4 to 7",
    "the derivatives of the error go back from the outputs to the hidden units, by these four "
    "equations.",
    "the equations",
)
SYMMETRY_RUN = Fact(
    NATURE,
    "Fig. 1",
    "one 6-2-1 network learned it in 1,425 sweeps, with the rate 0.1, the momentum 0.9 and first "
    "weights from -0.3 to 0.3.",
    "one network, 1,425 sweeps",
)
MIRROR = Fact(
    NATURE,
    "Fig. 1",
    "for each hidden unit, weights at the same distance from the middle are equal in size and "
    "opposite in sign.",
    "equal and opposite",
)
RATIO = Fact(
    NATURE,
    "Fig. 1",
    "the weights on one side of the middle are in the ratio 1:2:4.",
    "one network, 1:2:4",
)
TWINS = Fact(
    NATURE,
    "Fig. 1",
    "the two hidden units have the same pattern of weights, with opposite signs.",
    "opposite signs",
)
FAMILY_FACTS = Fact(
    NATURE,
    "Fig. 4",
    "the network was trained on 100 of the 104 possible triples.",
    "104 triples",
)
FAMILY_TRAINED = Fact(
    NATURE,
    "p. 535",
    "after 1,500 sweeps, the network generalizes correctly to the four triples that it was not "
    "trained on.",
    "trained, 4 of 4 held out",
)
FAMILY_UNITS = Fact(
    NATURE,
    "Fig. 4",
    "of six units that see the person, unit 1 separates English from Italian people, unit 2 has "
    "the generation and unit 6 the branch of the family.",
    "units 1, 2 and 6",
)

# --- Parallel Distributed Processing --------------------------------------------------------------

XOR_DIRECT = Fact(
    PDP,
    "p. 331",
    "exclusive or with one hidden unit and direct links was learned in 558 sweeps at the rate 0.5.",
    "one run, 558 sweeps",
    CITING,
)
XOR_STUCK = Fact(
    PDP,
    "pp. 331-332",
    "with two hidden units, exclusive or ended in a local minimum only twice in hundreds of runs.",
    "stuck twice in hundreds",
    CITING,
)
XOR_WIDTH = Fact(
    PDP,
    "p. 333",
    "the presentations until exclusive or is learned fall as 280 - 33 log2 H with the number H of "
    "hidden units, at the rate 0.25.",
    "280 - 33 log2 H",
    CITING,
)
PARITY = Fact(
    PDP,
    "p. 335",
    "parity of 4 bits with 4 hidden units was learned in 2,825 presentations of the patterns at "
    "the rate 0.5.",
    "one run, 2,825",
    CITING,
)
ENCODER = Fact(
    PDP,
    "pp. 335-338",
    "the 8-3-8 encoder learned codes that use values between 0 and 1 as well as 0 and 1.",
    "learned, values between",
    CITING,
)
ADDITION = Fact(
    PDP,
    "ch. 8",
    "binary addition was learned with three hidden units; with two, local minima were met.",
    "learned with 3",
    "a secondary text",
)

# --- Reverse mode ---------------------------------------------------------------------------------

LINNAINMAA = Fact(
    "Linnainmaa, master's thesis, Helsinki (1970)",
    "BIT 16 (1976), pp. 146-160",
    "a sequence of operations has coefficients, the derivatives of each number by the numbers "
    "before it; they serve to estimate rounding errors, and networks are not mentioned.",
    "derivatives of a sequence",
    "texts that cite it",
)
WERBOS = Fact(
    "Werbos, dissertation, Harvard University (1974)",
    "p. xv",
    'dynamic feedback is "a technique for calculating derivatives inexpensively, for use with the '
    'classic method of steepest descent"; its subject is statistics and time series.',
    "derivatives inexpensively",
    CITING,
)
