# Two stages: what builds packages stays behind in the first.
FROM python:3.11-slim AS packages
RUN python -m venv /opt/venv
COPY requirements/run.txt .
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r run.txt

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 VAR_DIR=/var/lib/cutscore
RUN useradd --system --uid 10001 --home-dir /var/lib/cutscore --create-home cutscore
COPY --from=packages /opt/venv /opt/venv
WORKDIR /srv/cutscore
COPY manage.py ./
COPY config config
COPY accounts accounts
COPY questions questions
COPY exams exams
COPY templates templates
COPY static static
COPY fixtures fixtures
RUN python -m compileall -q .
USER cutscore
# The key is thrown away with this step: the image holds no secret.
RUN SECRET_KEY=only-for-this-step python manage.py collectstatic --no-input --verbosity 0
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s CMD ["python", "config/probe.py", "http"]
CMD ["granian", "--interface", "wsgi", "--no-ws", "--host", "0.0.0.0", "--port", "8000", "--workers", "4", "--blocking-threads", "1", "--respawn-failed-workers", "--workers-kill-timeout", "30", "--log-level", "warning", "config.wsgi:application"]
