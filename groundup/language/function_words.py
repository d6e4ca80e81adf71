"""Function words by language: the small words that make up a third of any prose. Written by hand, for `identify`.

A word that several languages share counts for each of them, the less the more share it. The lists lean on words the
nearest relatives do not have (Danish "af", Norwegian "av" is Swedish too, so "ikke" and "jeg" need company).
"""

from __future__ import annotations

from functools import cache

FUNCTION_WORDS: dict[str, str] = {
    "en": "the and was were with that his her she they you your have had has this from but not are been their which would "
    "there what when who will is of it he to did about could went said into because him them then for on as by or be "
    "at any all shall everyone no one in an its can may if do more other",
    "de": "der die das und ist nicht ein eine einen einer eines einem den dem des zu mit auf für von sich auch als wie war "
    "wird werden haben hat oder aber sie er es ich wir ihr nach bei aus wenn nur noch über kann durch im zum zur "
    "jeder mensch recht seine ihre sind wurde dass",
    "nl": "de het een en van is dat niet in op te zijn met voor die aan er ook maar als heeft hij zij ze wij je ik bij nog "
    "naar wordt worden door uit over hebben had deze dit geen kan om of tot eenieder zich recht hun haar",
    "af": "die en van is nie het 'n dat met vir sy wat om te word ek hy sal aan op hulle as was of deur ook na maar ons "
    "elke elkeen reg alle tot kan sonder dit moet daar uit wees",
    "fr": "le la les des et est une un du dans pour que qui pas sur au aux par avec ce cette il elle ils nous vous je sont "
    "son sa ses ne se été plus ou mais comme être fait tout toute d'une leur leurs droit personne à où même",
    "es": "el la los las de y en que un una es por para con no se del al lo como más su sus pero fue este esta son está ha "
    "todo toda sin sobre también hasta desde cuando muy ya derecho persona tiene sido o ni a había era él",
    "pt": "o a os as de e em que um uma é por para com não se do da dos das no na nos nas ao à mais seu sua foi este esta "
    "são está como mas também todo toda tem direito ou pelo pela pessoa já ser até isso você ele ela eu muito",
    "it": "il lo la i gli le di e in che un una è per con non si del della dei delle degli al alla nel nella da dal ha sono "
    "come più anche questo questa suo sua ogni individuo diritto ad o ma se sul sulla era ed essere stato tutto",
    "ro": "și de la în a cu nu este un o pe pentru care din că să se mai au fost lui sau ca prin orice are dreptul sa sunt "
    "către acest această al ale după fără într-o dacă fi unei unui iar",
    "ca": "el la els les de i en que un una és per amb no del dels al als a l'home tot tota persona té dret o com més però "
    "aquest aquesta seva seu són ha pel sense també fou va ser hi ho nosaltres",
    "gl": "o a os as de e en que un unha é por para con non do da dos das no na ao máis súa seu foi este esta son está pero "
    "tamén toda todo persoa ten dereito ou pola polo sen nin dun dunha ó ser á como",
    "eu": "eta da ez bat du dute dira edo izan ere hau den baina bere egin zuen duen beste dago guztiek eskubidea gizon "
    "orok eskubide egiteko izateko behar bai horren dituzte beren pertsona",
    "la": "et in est non ad cum ut qui quae quod sed si ex ab de per omnes omnibus homo ius aut vel atque nec sunt eius "
    "quisque suae suum esse hominum iure quam ac enim autem nulla",
    "eo": "la kaj de en estas ne por al kiu kun ke el mi vi li ŝi ĝi ni ili rajtas ĉiu aŭ sed per pri kiel havas rajton "
    "homo estis sia sian siaj tiu nek oni sen inter tio",
    "sv": "och att det är som en ett den på av för med inte till har de om var jag han hon vi från eller men så kan skall "
    "sig sin sitt sina rätt envar alla utan vid ska när denna detta mot också blev",
    "da": "og at det er som en et den på af for med ikke til har de om var jeg han hun vi fra eller men så kan skal sig sin "
    "sit sine ret enhver alle uden nogen lov frihed også kun mellem over mig dig hende deres selv ved hvad når denne "
    "dette mod blev hvor være efter",
    "no": "og at det er som en et den på av for med ikke til har de om var jeg han hun vi fra eller men så kan skal seg sin "
    "sitt sine rett enhver alle uten noen lov frihet også kun mellom over meg deg henne deres selv ved hva når denne "
    "dette mot ble hvor være etter",
    "is": "og að er í á sem ekki það til hefur með um en var af fyrir við þeir þau hann hún ég eða skal hver maður sér sinn "
    "sína rétt allir án frá þess því eru sé þessi hans",
    "fi": "ja on ei se että oli hän joka ovat mutta kun niin myös minä sinä he me tai sen olla ole oikeus jokaisella kaikki "
    "ihminen hänen kuin jos mukaan voi tulee sekä ilman siitä jonka tämä ne",
    "et": "ja on ei see et oli ta kes mis aga kui ka nii nad me või oma ning igal inimesel õigus kõik tema pole seda selle "
    "peab ilma mida ega iga olla saab tuleb",
    "hu": "a az és nem hogy egy van is volt meg ez de mint csak minden ember személy joga vagy ki el kell nincs lehet azt "
    "még már akkor ha mert sem ne által való aki amely jog ezt után mindenkinek",
    "pl": "i w nie na się z do to że jest jak za od po co ale przez dla oraz lub jego jej są był była które który człowiek "
    "prawo ma każdy ten tym tego ani może przy bez być o czy wszyscy sobie jako",
    "cs": "a v se na je že to s z do o k ve nebo jako by pro jeho její jsou byl byla bylo které který každý má právo podle "
    "ale tak při aby již od být všichni člověka nesmí své svého",
    "sk": "a v sa na je že to s z do o k vo alebo ako by pre jeho jej sú bol bola bolo ktoré ktorý každý má právo podľa ale "
    "tak pri aby už od byť všetci človeka nesmie svoje svojho",
    "sl": "in v se na je da z s do o za ki so ne ali kot bi pri tudi njegov vsakdo ima pravico po pa iz od biti če samo še "
    "vsi nihče svoje svojo ter bil bila lahko ni med brez",
    "hr": "i u se na je da s za od do ne ili kao su što koji koja koje ima pravo svatko nitko njegov po iz bez biti bilo "
    "bio bila će ga samo ali svi sve prema ovoj tko tijekom uvjetima općoj opće svijeta čovjek čovjeka osoba djeca "
    "gdje prije poslije uvijek vijeće",
    "sr": "i u se na je da s za od do ne ili kao su što koji koja koje ima pravo svako niko njegov po iz bez biti bilo bio "
    "bila će ga samo ali svi sve prema ovoj ko tokom opšte sveta čovek čoveka lica deca gde pre posle uvek и у се на "
    "је да за од не или као су што који која које има право свако нико по из без бити било ће га само али сви све ово",
    "lt": "ir yra kad į su ne iš ar tai kaip bet jis ji jie jo jų už nuo apie buvo turi teisę žmogus kiekvienas visi kuris "
    "kurie pagal savo arba nei prie turėti būti asmuo",
    "lv": "un ir ka uz ar no par ne vai tas kā bet viņš viņa viņi kas pie ikvienam cilvēkam tiesības visi savu bija lai nav "
    "tiek arī katram var bez jā tā jeb",
    "mt": "il u ta' li ma' fil għall hu hija kull bniedem għandu dritt jew ma lil minn mill tal b'mod biex huwa dan din bil "
    "l-istess is-soċjetà fuq f' x'jkun bla sabiex",
    "ga": "agus an na is ar go a i ag le do tá bhí sé sí ní nach chun gach duine ceart aige den don faoi ó mar aon nó atá "
    "iad bheith féin leis ina",
    "cy": "y yr a yn i o ac ar mae ei gan am wedi oedd nid bod eu hawl bawb pawb bob gyda at hyn neu fel un na dyn ni ef "
    "unrhyw drwy rhag hwn",
    "tr": "ve bir bu da de için ile olarak çok daha ne var gibi kadar olan sonra ancak ki veya her hakkı vardır şahsın hiç "
    "kimse değil mi ben sen o onun ya hem edilemez haiz insan",
    "az": "və bir bu da də üçün ilə olan hər hüquqa malikdir insan ya kimi heç kəs öz onun bütün olaraq hüququ var",
    "id": "yang dan di dari untuk dengan pada tidak ini itu adalah dalam akan ke oleh atau setiap orang berhak atas juga "
    "karena telah ada saya dia mereka bisa sebagai tanpa harus hak lain",
    "sw": "na ya wa kwa ni katika la za kila mtu ana haki au kwamba hii bila hiyo cha ili yake wake lazima watu yoyote kuwa "
    "wote pia hakuna huo ambayo nchi",
    "so": "iyo in uu ay ku oo ka waa la u ee soo ah inuu leeyahay xaq qof kasta ama aan lagu waxaa wuxuu si lahayn kale "
    "dhan qofna",
    "ha": "da na ya a ba ta ko cikin yana don wannan kowa ne ce mutum hakki haka duk su wani kuma kowane mutane daga wajen "
    "yake shi",
    "yo": "ní ti àti tí ó sí ènìyàn ẹ̀tọ́ kọ̀ọ̀kan láti fún gbogbo kan tó pẹ̀lú bí òun yìí náà wọn",
    "zu": "futhi noma ukuthi kanye unelungelo wonke umuntu ukuba kumele ngoba lokhu yonke ngaphandle nelungelo abantu "
    "ngokwe kuleli uma nokuba yilowo nalowo akekho",
    "vi": "và của là có được không trong cho các một người mọi với những này đều quyền đã ai hay về để khi như phải nào bị "
    "từ theo đó cũng vì tôi bạn anh ông nó ra lên quốc gia tự do nhân pháp luật lợi thể sẽ trên hoặc chúng ta",
    "tl": "ang ng mga sa na ay at si ni nang hindi ito kung para may isang bawat tao karapatan kanyang o ako siya niya "
    "kanilang lahat dapat",
    "ru": "и в не на что он с как это по но из у за от так же все она было был для его бы к то каждый человек имеет право "
    "или без при который они мы быть если уже только",
    "uk": "і в не на що він з як це по але із у за від так же все вона було був для його би до та кожна людина має право "
    "або без при який вони ми бути її є якщо вже тільки й",
    "bg": "и в не на че той с като това по но от за да се са е беше или без при който те всеки човек има право бъде си му й "
    "ще към само тя",
    "mk": "и во не на дека тој со како ова по но од за да се е беше или без при кој тие секој човек има право бидe си му ќе "
    "кон само таа што",
    "be": "і ў не на што ён з як гэта па але за ад так усе яна было для яго да кожны чалавек мае права або без пры які яны "
    "мы быць яе ёсць",
    "ar": "في من على أن إلى هذا هذه التي الذي لا ما كان مع كل عن أو لكل شخص الحق وأن قد كما بين هو هي لم ولا أي إذا ذلك",
    "fa": "در از به که را این با است و آن برای تا بر هر کس حق دارد یا می شود باید خود ها یک نباید بود شده کند دارند",
    "ur": "میں کے کی کا ہے اور سے کو نے پر یہ ہیں اس کہ ہر شخص حق یا نہیں جو ہو بھی کر کسی اپنے تھا ان گا",
    "hi": "के में है की और को का से पर यह कि हैं एक इस नहीं भी या प्रत्येक व्यक्ति अधिकार जो ने हो तथा लिए किसी अपने था",
    "mr": "आणि आहे या हे की तो ती मध्ये प्रत्येक व्यक्तीस हक्क असेल किंवा नाही होते म्हणून त्या त्याच्या",
    "ne": "र छ को मा लाई हो यो पनि छन् गर्न प्रत्येक व्यक्तिलाई अधिकार वा हुनेछ भएको गरी",
}  # fmt: skip

# Scripts that tell the language alone: blocks of 128 code points -> language. Han, Kana and Hangul are told apart in code.
SCRIPT_BLOCKS: dict[str, tuple[tuple[int, int], ...]] = {
    "el": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "hy": ((0x530, 0x58F),),
    "he": ((0x590, 0x5FF),),
    "bn": ((0x980, 0x9FF),),
    "pa": ((0xA00, 0xA7F),),
    "gu": ((0xA80, 0xAFF),),
    "or": ((0xB00, 0xB7F),),
    "ta": ((0xB80, 0xBFF),),
    "te": ((0xC00, 0xC7F),),
    "kn": ((0xC80, 0xCFF),),
    "ml": ((0xD00, 0xD7F),),
    "si": ((0xD80, 0xDFF),),
    "th": ((0xE00, 0xE7F),),
    "lo": ((0xE80, 0xEFF),),
    "my": ((0x1000, 0x109F),),
    "ka": ((0x10A0, 0x10FF),),
    "am": ((0x1200, 0x139F),),
    "km": ((0x1780, 0x17FF),),
    "ko": ((0xAC00, 0xD7AF), (0x1100, 0x11FF)),
    "ja": ((0x3040, 0x30FF),),
    "zh": ((0x4E00, 0x9FFF), (0x3400, 0x4DBF)),
}


@cache
def languages_of_words() -> dict[str, tuple[tuple[str, float], ...]]:
    """Word -> the languages that use it and what it counts for each: 1 shared by all that have it."""
    users: dict[str, list[str]] = {}
    for language, listed in FUNCTION_WORDS.items():
        for word in dict.fromkeys(listed.split()):
            users.setdefault(word, []).append(language)
    return {word: tuple((code, 1 / len(codes)) for code in codes) for word, codes in users.items()}
