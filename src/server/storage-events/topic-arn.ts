/** `arn:PARTITION:sns:REGION:ACCOUNT:NAME`, in partitions whose hosts are named as in `aws`. */
export const topicArn = /^arn:aws(-cn|-us-gov)?:sns:([a-z0-9-]+):\d{12}:[\w.-]+$/;
