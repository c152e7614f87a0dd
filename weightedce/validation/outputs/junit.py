"""The report as JUnit XML, which every CI shows: one test a cell."""

from pathlib import Path
from xml.etree import ElementTree as Xml

from weightedce.validation.cells import UNSUPPORTED, Cell
from weightedce.validation.outputs import words
from weightedce.validation.outputs.literal import literal
from weightedce.validation.report import Report


def write(report: Report, path: Path) -> None:
    """Write one test suite: cells of our losses may fail, peers are skipped with their finding."""
    suite = Xml.Element(
        "testsuite",
        name="weightedce validate",
        tests=str(len(report.cells) + len(report.problems)),
        failures=str(len(report.failing) + len(report.problems)),
        errors="0",
        skipped=str(sum(_skipped(cell) for cell in report.cells)),
        time=str(report.seconds),
    )
    properties = Xml.SubElement(suite, "properties")
    for name, version in report.versions.items():
        Xml.SubElement(properties, "property", name=name, value=version)
    for problem in report.problems:
        case = Xml.SubElement(suite, "testcase", classname="weightedce", name=problem)
        Xml.SubElement(case, "failure", message=problem)
    for cell in report.cells:
        name = f"{cell.call} {cell.dtype} {cell.order}"
        group = f"weightedce.{cell.library}.{cell.mode}"
        case = Xml.SubElement(suite, "testcase", classname=group, name=name)
        if _skipped(cell):
            Xml.SubElement(case, "skipped", message=_first(cell))
        elif cell.bad:
            version = report.libraries.get(cell.library, "")
            text = "\n".join([words.title(cell, version), *words.failure(cell)])
            if cell.failing is not None:
                text += f"\n\n{cell.failing.snippet}"
            Xml.SubElement(case, "failure", message=_first(cell)).text = text
    for element in suite.iter():  # XML has no control characters, not even escaped ones
        element.attrib = {name: literal(value) for name, value in element.attrib.items()}
        element.text = literal(element.text or "", keep="\n") or None
    Xml.indent(suite)
    tree = Xml.ElementTree(suite)
    tree.write(path, encoding="utf-8", xml_declaration=True)


def _skipped(cell: Cell) -> bool:
    return cell.status == UNSUPPORTED or (cell.kind == "peer" and cell.bad)


def _first(cell: Cell) -> str:
    if cell.failing is not None:
        return words.verdict(cell.failing)
    return cell.message or cell.status
