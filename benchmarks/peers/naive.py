"""The notifier that anyone would write in half an hour: no memory but the last id, no outbox, no second thought."""

import json
import os

import boto3
import requests

zoho_url = os.environ["ZOHO_API_URL"]
accounts_url = os.environ["ZOHO_ACCOUNTS_URL"]
dynamodb = boto3.client("dynamodb")
sns = boto3.client("sns")
secrets = boto3.client("secretsmanager")


def handler(event: object, context: object) -> int:
    """Send what is newer than the last id."""
    secret = json.loads(secrets.get_secret_value(SecretId=os.environ["SECRET"])["SecretString"])
    credentials = {name: secret[name] for name in ("client_id", "client_secret", "refresh_token")}
    form = {"grant_type": "refresh_token", **credentials}
    response = requests.post(accounts_url + "/oauth/v2/token", data=form, timeout=10)
    response.raise_for_status()
    response = requests.get(
        zoho_url + "/crm/bulk/v7/backup/history",
        params={"page": 1, "per_page": 200},
        headers={"Authorization": "Zoho-oauthtoken " + response.json()["access_token"]},
        timeout=10,
    )
    response.raise_for_status()
    item = dynamodb.get_item(TableName=os.environ["TABLE_NAME"], Key={"org": {"S": "naive"}}).get("Item")
    last = item["last"]["S"] if item else ""
    news = [row for row in response.json()["history"] if row["id"] > last]
    if not news:
        return 0
    text = "\n".join(f"{row['log_time']} {row['state'] or row['action']} by {row['done_by']['name']}" for row in news)
    sns.publish(TopicArn=os.environ["TOPIC_ARN"], Subject="Zoho CRM backup", Message=text)
    requests.post(secret["slack_webhook_url"], json={"text": text}, timeout=10).raise_for_status()
    newest = max(row["id"] for row in news)
    dynamodb.put_item(TableName=os.environ["TABLE_NAME"], Item={"org": {"S": "naive"}, "last": {"S": newest}})
    return len(news)
