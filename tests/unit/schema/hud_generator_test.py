"""The generator must refuse a damaged catalogue and say where: hud_generator_test.py <schema/hud>"""
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(sys.argv.pop(1))


class Damage(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = Path(self.scratch.name) / "hud"
        self.out = Path(self.scratch.name) / "out"
        self.folder.mkdir()
        for file in SOURCE.glob("*.json"):
            shutil.copy(file, self.folder)

    def generate(self):
        return subprocess.run([sys.executable, str(SOURCE / "generate.py"), str(self.folder), str(self.out)],
                              capture_output=True, text=True, check=False)

    def refuses(self, file, old, new, *said):
        """Replaces the first `old` in `file`; the generator must fail, name the file and say each of `said`."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        run = self.generate()
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertFalse(self.out.exists(), "nothing is written")
        self.assertIn(file + ": ", run.stderr)
        for words in said:
            self.assertIn(words, run.stderr)

    def test_the_undamaged_catalogue_is_accepted_and_repeatable(self):
        self.assertEqual(self.generate().returncode, 0)
        first = {path.name: path.read_bytes() for path in self.out.iterdir()}
        stamp = (self.out / "hud_fields.hpp").stat().st_mtime_ns
        self.assertEqual(set(first), {"hud_tables.cpp", "hud_fields.hpp"})
        self.assertEqual(self.generate().returncode, 0)
        self.assertEqual(first, {path.name: path.read_bytes() for path in self.out.iterdir()})
        self.assertEqual(stamp, (self.out / "hud_fields.hpp").stat().st_mtime_ns, "an unchanged file is left alone")

    def test_a_column_number_given_twice(self):
        self.refuses("groups.json", '"id": 11030, "name": "MiddleName"', '"id": 11020, "name": "MiddleName"',
                     "table Client, column MiddleName", "11020 is taken")

    def test_a_group_number_given_twice(self):
        self.refuses("groups.json", '"id": 1112, "key": "client.ssn"', '"id": 1110, "key": "client.ssn"', "1110 is taken")

    def test_a_table_number_given_twice(self):
        self.refuses("own-tables.json", '"id": 640, "name": "HubDevice"', '"id": 630, "name": "HubDevice"', "630 is taken")

    def test_a_number_over_sixteen_bits(self):
        self.refuses("own-tables.json", '"id": 64040', '"id": 65536', "column SecretDigest", "1..65535")

    def test_a_column_of_another_range(self):
        self.refuses("own-tables.json", '"id": 64040', '"id": 63060', "is not one of table 640")

    def test_a_column_with_neither_group_nor_role(self):
        self.refuses("groups.json", '"name": "MiddleName", "group": 1110}', '"name": "MiddleName"}',
                     "column MiddleName", "neither group nor role")

    def test_a_column_with_both(self):
        self.refuses("groups.json", '"name": "MiddleName", "group": 1110}',
                     '"name": "MiddleName", "group": 1110, "role": "meta"}', "both a group and a role")

    def test_a_column_its_group_does_not_list(self):
        self.refuses("groups.json", '["FirstName", "MiddleName", "LastName"', '["FirstName", "LastName"',
                     "column MiddleName", "says group 1110")

    def test_a_group_with_a_column_that_does_not_exist(self):
        self.refuses("groups.json", '["FirstName", "MiddleName"', '["FirstName", "MidleName", "MiddleName"', "MidleName")

    def test_a_column_missing_from_the_layer(self):
        self.refuses("csv-spec.json", '{"name": "MiddleName"', '{"name": "MiddleNames"', "csv-spec.json",
                     *["groups.json: table Client"])

    def test_a_deciding_code_in_no_class(self):
        self.refuses("groups.json", '"3.01.5": {"3": [1], "2": [2]', '"3.01.5": {"3": [1], "2": []',
                     "answerMaps 3.01.5", "code 2 is in 0 classes")

    def test_a_deciding_code_in_two_classes(self):
        self.refuses("groups.json", '"3.01.5": {"3": [1], "2": [2]', '"3.01.5": {"3": [1, 2], "2": [2]',
                     "code 2 is in 2 classes")

    def test_a_class_for_a_code_that_does_not_exist(self):
        self.refuses("groups.json", '"3.01.5": {"3": [1]', '"3.01.5": {"3": [1, 7]', "code 7 is not in the list")

    def test_an_answer_by_a_list_without_classes(self):
        self.refuses("groups.json", '"column": "NameDataQuality", "list": "3.01.5"',
                     '"column": "NameDataQuality", "list": "1.9"', "group client.name", "list 1.9 has no answer classes")

    def test_an_answer_by_a_column_outside_the_group(self):
        self.refuses("groups.json", '"column": "NameDataQuality", "list"', '"column": "SSNDataQuality", "list"',
                     "group client.name, answer", "SSNDataQuality is not in the group")

    def test_a_list_that_does_not_exist(self):
        self.refuses("own-tables.json", '"list": "S.6"', '"list": "S.66"', "column State", "list S.66 does not exist")

    def test_a_reference_to_nothing(self):
        self.refuses("own-tables.json", '"references": "Enrollment.EnrollmentID"', '"references": "Enrolment.EnrollmentID"',
                     "Enrolment.EnrollmentID")

    def test_a_condition_that_cannot_be_read(self):
        self.refuses("groups.json", '"if": "Destination = 17"', '"if": "Destination = = 17"', "group exit.exit")

    def test_a_condition_on_an_unknown_column(self):
        self.refuses("groups.json", '"if": "Destination = 17"', '"if": "Destnation = 17"', "column Destnation does not exist")

    def test_a_word_outside_the_vocabulary(self):
        self.refuses("groups.json", '"merge": "register"', '"merge": "registr"', "merge 'registr' is unknown")

    def test_text_without_a_length(self):
        self.refuses("own-tables.json", '"name": "DisplayName", "type": "string", "max": 100',
                     '"name": "DisplayName", "type": "string"', "column DisplayName", "maximum length")

    def test_a_code_given_twice(self):
        self.refuses("own-lists.json", '{"code": 2, "label": "Contact"}', '{"code": 1, "label": "Contact"}', "list S.1",
                     "given twice")

    def test_a_subset_of_another_list(self):
        self.refuses("lists.json", '"column": "Exit.Destination"', '"column": "Exit.ExitDate"', "subset Exit.ExitDate")

    def test_a_file_that_is_no_json(self):
        self.refuses("lists.json", '"lists": [', '"lists": [[', "line")


if __name__ == "__main__":
    unittest.main()
