from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("questions", "0007_keep_what_the_site_has_edited"),)

    operations = (
        migrations.AddIndex(
            model_name="listing",
            index=models.Index(fields=["-changed_at", "code"], name="listing_changed_last"),
        ),
        migrations.AddIndex(
            model_name="listing",
            index=models.Index(
                fields=[
                    "blueprint",
                    "domain",
                    "task",
                    "topic",
                    "item_type",
                    "state",
                    "draft_state",
                    "level",
                    "author",
                    "blocks",
                    "warns",
                    "open_challenges",
                    "is_suspect",
                ],
                name="listing_facets",
            ),
        ),
    )
