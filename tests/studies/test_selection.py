import pandas as pd

from chemscale.scaling import fit_study
from chemscale.studies.selection import runs_of_the_law


def made_up(rates: tuple[float, ...] = (1e-3, 1e-2)) -> pd.DataFrame:
    """Loss 8 N^-0.2 at the best rate, three times that at others; the best rate falls with size."""
    rows = []
    for i, size in enumerate((1e4, 1e5, 1e6, 1e7)):
        best = rates[0] if i >= 2 else rates[-1]
        for rate in rates:
            for seed in (0, 1):
                loss = 8 * size**-0.2 * (1 if rate == best else 3) * (1 + 0.001 * seed)
                rows.append(
                    {
                        "run": f"{size}-{rate}-{seed}",
                        "status": "finished",
                        "seed": seed,
                        "n_parameters": size,
                        "data_points": 100,
                        "training.learning_rate": rate,
                        "validation_loss": loss,
                    }
                )
    return pd.DataFrame(rows)


def test_a_grid_of_sizes_and_seeds_is_one_law() -> None:
    table = made_up()
    selection = runs_of_the_law(table, ["model.width", "data.size", "seed"])
    assert selection.table is table
    assert selection.notes == ()


def test_training_settings_are_tuned_at_every_size_and_not_averaged() -> None:
    selection = runs_of_the_law(made_up(), ["model.width", "training.learning_rate", "seed"])
    chosen = selection.table.sort_values("n_parameters")
    assert chosen["training.learning_rate"].tolist() == [1e-2] * 4 + [1e-3] * 4
    assert "training.learning_rate vary too" in selection.notes[0]
    (fit,) = fit_study(selection.table)
    assert fit.law is not None
    assert abs(fit.law.beta - 0.2) < 1e-6


def test_a_setting_that_diverged_is_not_the_best() -> None:
    table = made_up()
    bad = table["training.learning_rate"] == 1e-3
    table.loc[bad, "status"] = "diverged"
    chosen = runs_of_the_law(table, ["training.learning_rate"]).table
    assert set(chosen["training.learning_rate"]) == {1e-2}


def test_other_differences_make_no_law() -> None:
    selection = runs_of_the_law(made_up(), ["model.width", "data.encoding"])
    assert selection.table.empty
    assert "data.encoding vary too" in selection.notes[0]
    assert fit_study(selection.table) == []


def two_families() -> pd.DataFrame:
    """The second family's best rates are the other way round, and its losses ten times as high."""
    first, second = made_up(), made_up(rates=(1e-2, 1e-3))
    second["validation_loss"] *= 10
    tables = [first.assign(family="schnet"), second.assign(family="painn", run="b" + second["run"])]
    return pd.concat(tables, ignore_index=True)


def test_families_stay_together_in_the_order_of_the_study() -> None:
    table = two_families()
    selection = runs_of_the_law(table, ["family", "model.depth", "seed"], families=("schnet", "painn", "allegro"))
    assert selection.table is table and selection.notes == ()
    assert selection.families == ("schnet", "painn")
    assert runs_of_the_law(table, ["family"]).families == ("painn", "schnet")
    assert runs_of_the_law(table, ["model.width"]).families == ()


def test_every_family_is_tuned_by_itself() -> None:
    selection = runs_of_the_law(two_families(), ["family", "training.learning_rate", "seed"])
    chosen = selection.table.sort_values("n_parameters")
    for family, rates in (("schnet", [1e-2] * 4 + [1e-3] * 4), ("painn", [1e-3] * 4 + [1e-2] * 4)):
        mine = chosen[chosen["family"] == family]
        assert mine["training.learning_rate"].tolist() == rates
        (fit,) = fit_study(mine)
        assert fit.law is not None and abs(fit.law.beta - 0.2) < 1e-6
