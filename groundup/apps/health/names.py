"""First names and surnames of many origins, for finding people in notes. Common knowledge, own selection."""

_FIRST = """james john robert michael william david richard joseph thomas charles daniel matthew anthony mark steven paul andrew
joshua kenneth kevin brian george edward ronald timothy jason jeffrey ryan jacob gary nicholas eric jonathan stephen
larry justin scott brandon benjamin samuel gregory frank alexander raymond patrick jack dennis jerry tyler aaron jose
henry adam douglas nathan peter zachary kyle walter ethan jeremy harold keith christian roger noah gerald terry sean
arthur austin carl lawrence dylan jesse mary patricia jennifer linda elizabeth barbara susan jessica sarah karen nancy
lisa betty margaret sandra ashley kimberly emily donna michelle carol amanda dorothy melissa deborah stephanie rebecca
sharon laura cynthia kathleen amy shirley angela helen anna brenda pamela nicole emma samantha katherine christine
debra rachel carolyn janet catherine maria heather diane ruth julie olivia joyce virginia victoria kelly lauren
christina joan evelyn judith megan andrea cheryl hannah jacqueline martha gloria teresa ann sara madison frances
kathryn janice jean alice julia grace judy sophia theresa ginger bryan carlos juan luis miguel pedro diego javier
sofia lucia carmen elena isabel fatima aisha mohammed muhammad ahmed ali omar hassan ibrahim yusuf layla zainab
khadija amina raj priya anjali ravi sanjay deepak sunita arjun lakshmi wei li ming jing xiu hiroshi yuki kenji sakura
haruto min ji hyun soo nguyen linh minh anh kwame ama kofi chidi ngozi amara tunde oluwaseun zola thabo ivan olga
dmitri natasha sergei svetlana piotr agnieszka jan katarzyna lars ingrid erik astrid sven hans klaus heidi greta
pierre marie jacques claire giovanni giulia marco francesca dimitris eleni mehmet elif emre moshe rivka avi miriam
tariq leila reza shirin darius"""
_LAST = """smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson anderson
thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson walker young
allen king wright scott torres nguyen hill flores green adams nelson baker hall rivera campbell mitchell carter
roberts gomez phillips evans turner diaz parker cruz edwards collins reyes stewart morris morales murphy cook rogers
gutierrez ortiz morgan cooper peterson bailey reed kelly howard ramos kim cox ward richardson watson brooks chavez
wood james bennett gray mendoza ruiz hughes price alvarez castillo sanders patel myers long ross foster jimenez kumar
singh shah gupta sharma khan hussain chen wang zhang liu yang huang zhao wu zhou tanaka suzuki sato yamamoto park choi
jung tran pham le okafor adeyemi mensah diallo mbeki ivanov petrov kowalski nowak schmidt mueller weber meyer rossi
ferrari dubois moreau yilmaz cohen levy katz"""
# Names that are also everyday words are no proof of a person by themselves.
_WORDS = """mark grace frank young long wood price ward king hill green brown white gray hall cook baker carter cooper foster reed
ginger will joy hope dawn may june april summer le min li long ma an jean ann soo ali ama"""
FIRST = frozenset(_FIRST.split())
LAST = frozenset(_LAST.split())
ALSO_WORDS = frozenset(_WORDS.split())
