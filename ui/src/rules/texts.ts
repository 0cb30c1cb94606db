import { textsOf } from '../i18n';
import { en } from './texts.en';
import { zh } from './texts.zh';

export const useRuleTexts = textsOf({ en, zh });
