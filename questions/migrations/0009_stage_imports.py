import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("questions", "0008_index_the_bank_list"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportStage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=64)),
                ("origin", models.CharField(blank=True, max_length=200)),
                ("fingerprint", models.CharField(max_length=64)),
                ("number", models.PositiveIntegerField(default=1)),
                ("item_type", models.CharField(max_length=20)),
                ("level", models.CharField(blank=True, max_length=8)),
                ("difficulty", models.DecimalField(decimal_places=2, max_digits=3, null=True)),
                ("keeps_order", models.BooleanField(default=False)),
                ("content", models.JSONField()),
                ("detail", models.JSONField(default=dict)),
                (
                    "based_on",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="questions.questionversion",
                    ),
                ),
                (
                    "question",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="questions.question",
                    ),
                ),
                (
                    "row",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stage",
                        to="questions.importrow",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stages",
                        to="questions.importrun",
                    ),
                ),
                (
                    "scenario",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="questions.scenario",
                    ),
                ),
                (
                    "topic",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="questions.topic",
                    ),
                ),
            ],
        ),
    ]
