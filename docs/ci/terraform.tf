locals { release = "zoho-backup-notifier-1.0.0" }
resource "aws_s3_object" "package" {
  bucket = "BUCKET"
  key    = "${local.release}.zip"
  source = "${local.release}.zip"
}
resource "aws_cloudformation_stack" "notifier" {
  name          = "zoho-backup-notifier"
  template_body = file("${local.release}.json")
  capabilities  = ["CAPABILITY_IAM"]
  parameters    = { CodeBucket = aws_s3_object.package.bucket, CodeKey = aws_s3_object.package.key, NotificationEmail = "you@example.com" }
}
