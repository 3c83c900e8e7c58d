import { App, Stack } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';

const release = 'zoho-backup-notifier-1.0.0';
const stack = new Stack(new App(), 'zoho-backup-notifier');
const code = new Asset(stack, 'Package', { path: `${release}.zip` });
new CfnInclude(stack, 'Notifier', {
  templateFile: `${release}.json`,
  parameters: { CodeBucket: code.s3BucketName, CodeKey: code.s3ObjectKey, NotificationEmail: 'you@example.com' },
});
