import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("questions", "0005_save_filters"),
    ]

    operations = [
        migrations.AddField(
            model_name="exportrun",
            name="claim",
            field=models.UUIDField(
                help_text="Of the worker that has it: another one's ends its work.", null=True
            ),
        ),
        migrations.AddField(
            model_name="exportrun",
            name="losses",
            field=models.JSONField(default=list, help_text="What the format can't carry, and of how many."),
        ),
        migrations.AddField(
            model_name="exportrun",
            name="tries",
            field=models.PositiveSmallIntegerField(default=0, help_text="Workers that began this step."),
        ),
        migrations.AddField(
            model_name="importrow",
            name="names_topic",
            field=models.BooleanField(default=False, help_text="The file says a topic of this blueprint."),
        ),
        migrations.AddField(
            model_name="importrun",
            name="claim",
            field=models.UUIDField(
                help_text="Of the worker that has it: another one's ends its work.", null=True
            ),
        ),
        migrations.AddField(
            model_name="importrun",
            name="tag",
            field=models.CharField(
                blank=True, help_text="That all its questions are filed under.", max_length=60
            ),
        ),
        migrations.AddField(
            model_name="importrun",
            name="topic",
            field=models.ForeignKey(
                help_text="Of what isn't mapped.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="questions.topic",
            ),
        ),
        migrations.AddField(
            model_name="importrun",
            name="tries",
            field=models.PositiveSmallIntegerField(default=0, help_text="Workers that began this step."),
        ),
        migrations.AlterField(
            model_name="exportrun",
            name="selection",
            field=models.JSONField(help_text="The list's filter, which text, and the questions it found."),
        ),
        migrations.AlterField(
            model_name="exportrun",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "waiting"),
                    ("checking", "checking"),
                    ("checked", "checked"),
                    ("writing", "writing"),
                    ("ready", "ready"),
                    ("failed", "failed"),
                    ("cancelled", "cancelled"),
                ],
                default="waiting",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "waiting"),
                    ("reading", "reading"),
                    ("ready", "ready"),
                    ("applying", "importing"),
                    ("listing", "being listed"),
                    ("applied", "imported"),
                    ("failed", "failed"),
                    ("cancelled", "cancelled"),
                ],
                default="waiting",
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(fields=["run", "category"], name="import_row_by_category"),
        ),
    ]
