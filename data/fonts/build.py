"""Make FusionCJK.ttf: `python data/fonts/build.py DroidSansFallbackFull.ttf` (needs fonttools and matplotlib).

Chinese glyphs from Droid Sans Fallback (GB 2312 level 1 and every character of the project's files);
Latin, Greek, digits and signs from DejaVu Sans, which matplotlib ships, because Droid Sans Fallback has
none and mixed labels with mathematics would turn into boxes.
"""

import sys
import tempfile
from pathlib import Path

import matplotlib
from fontTools import merge, subset
from fontTools.ttLib import TTFont
from fontTools.ttLib.scaleUpem import scale_upem

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SUFFIXES = {".csv", ".md", ".yaml", ".ipynb", ".py"}


def characters() -> set[str]:
    """GB 2312 rows 1–3 and 16–55, and what the project's own files use."""
    rows = [*range(0xA1, 0xA4), *range(0xB0, 0xD8)]
    found = {bytes([r, c]).decode("gb2312", "ignore") for r in rows for c in range(0xA1, 0xFF)}
    for folder in ("data", "params", "notebooks", "lib"):
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in SUFFIXES:
                found |= set(file.read_text("utf-8"))
    return {c for c in found if c and ord(c) > 0x7F}


def part(source: Path, codes: set[int]) -> TTFont:
    """A subset of a font, without layout tables."""
    options = subset.Options(layout_features=[], name_IDs=["*"], notdef_outline=True, hinting=False)
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "kern", "FFTM", "vhea", "vmtx"]
    font = subset.load_font(str(source), options)
    tool = subset.Subsetter(options)
    tool.populate(unicodes=codes)
    tool.subset(font)
    return font


def main() -> None:
    """Write the font beside this file."""
    latin_file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    signs = (
        set(range(0x20, 0x7F))
        | set(range(0xA0, 0x180))
        | set(range(0x370, 0x400))
        | set(range(0x2010, 0x2300))
    )
    latin = part(latin_file, signs)
    have = set(latin.getBestCmap())
    chinese = part(Path(sys.argv[1]), {ord(c) for c in characters()} - have)
    scale_upem(latin, chinese["head"].unitsPerEm)
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/{name}.ttf" for name in ("latin", "chinese")]
        latin.save(files[0])
        chinese.save(files[1])
        font = merge.Merger().merge(files)
    for record in font["name"].names:
        if record.nameID in (1, 3, 4, 6, 16):
            record.string = "FusionCJK" if record.nameID == 6 else "Fusion CJK"
    font.save(HERE / "FusionCJK.ttf")
    print(f"{len(font.getBestCmap())} characters, {(HERE / 'FusionCJK.ttf').stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
