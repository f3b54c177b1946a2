/** `arn:PARTITION:sns:REGION:ACCOUNT:NAME`, where Amazon's hosts are named as elsewhere. */
export const topicArn = /^arn:aws(-cn|-us-gov)?:sns:([a-z0-9-]+):\d{12}:[\w.-]+$/;
