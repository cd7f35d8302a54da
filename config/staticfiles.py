from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Hashed names that may be cached for ever, also for what our JavaScript modules import."""

    support_js_module_import_aggregation = True
