# For those who run Functions in containers of their own; Flex Consumption takes the zip of `make package` instead.
FROM mcr.microsoft.com/azure-functions/python:4-python3.13

ENV AzureWebJobsScriptRoot=/home/site/wwwroot \
    AzureFunctionsJobHost__Logging__Console__IsEnabled=true

COPY requirements.txt /
RUN pip install --no-cache-dir -r /requirements.txt

COPY host.json function_app.py /home/site/wwwroot/
COPY dedup_core /home/site/wwwroot/dedup_core
COPY dedup_app /home/site/wwwroot/dedup_app
COPY dedup_decoders /home/site/wwwroot/dedup_decoders
COPY dedup_web /home/site/wwwroot/dedup_web
COPY dedup_storage /home/site/wwwroot/dedup_storage

# Else each container compiles what it loads.
RUN python -m compileall -qq --invalidation-mode unchecked-hash /home/site/wwwroot
