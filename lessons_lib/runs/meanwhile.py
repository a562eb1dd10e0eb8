"""What methods and tasks will say of themselves; here until they do. To be deleted with them."""

CANNOT = ("LinearProbe", "TextProbe", "LPPlusPlus")


def arguments(method):
    if hasattr(method, "arguments"):
        return method.arguments()
    return method.settings()


def fit_settings(method, shots, fit):
    if hasattr(method, "fit_settings"):
        return method.fit_settings(shots, **fit)
    found = {**type(method).fit_arguments(), **fit}
    if "epochs" in found and found["epochs"] is None and hasattr(method, "published_epochs"):
        found["epochs"] = method.published_epochs(shots)
    for name, published in (("lr", "LR"), ("batch_size", "BATCH_SIZE")):
        if name in found and found[name] is None:
            found[name] = getattr(method, published, None)
    epochs = found.get("epochs", 1)
    if epochs is not None and (not isinstance(epochs, int) or epochs < 1):
        raise ValueError(f"epochs must be a whole number from 1 up; got {epochs!r}")
    return {name: value for name, value in found.items() if name not in ("checkpoint", "progress", "workers")}


def carries(method, to, fitted_on):
    if hasattr(method, "carries"):
        return method.carries(to, fitted_on)
    return "it knows no other classes" if type(method).__name__ in CANNOT else ""


def measure(method, split):
    return method.measure(split) if hasattr(method, "measure") else {"accuracy": method.score(split)}


def n_parameters(method):
    return sum(p.numel() for p in method.parameters())


def cost(method, classes, trained_on, tested, shots, fit):
    if not hasattr(method, "cost"):
        return None
    from lessons_lib.methods.parts.cost import Sizes

    return method.cost(Sizes(classes, trained_on, tested, shots, dict(fit)))


def split_identity(split):
    if hasattr(split, "identity"):
        return split.identity()
    return {"images": split.fingerprint, "targets": split.labels.tolist(), "classes": split.classnames}


def task_identity(task):
    if hasattr(task, "identity"):
        return task.identity()
    parts = {"train": task.pool, "val": task.val_pool, "test": task.test}
    return {"templates": task.templates} | {part: split_identity(split) for part, split in parts.items()}


def paper_name(method):
    if hasattr(method, "paper_name"):
        return method.paper_name
    return type(method).__name__
