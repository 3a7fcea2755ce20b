using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Diffusion.Tests.Design;

/// <summary>
/// What a library offers to its users, public and protected, as text: a line for each type and member, in an order that depends on names alone. What follows
/// from the declaration of a record (its equality, copying and printing) is left out.
/// </summary>
internal static class ApiText
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>The text of a library.</summary>
    public static string Of(Assembly library)
    {
        var text = new StringBuilder();
        foreach (var space in library.GetExportedTypes().GroupBy(type => type.Namespace).OrderBy(space => space.Key, StringComparer.Ordinal))
        {
            text.Append(text.Length == 0 ? "" : "\n").Append(CultureInfo.InvariantCulture, $"namespace {space.Key}\n");
            foreach (var type in space.OrderBy(type => type.FullName, StringComparer.Ordinal)) Append(text, type);
        }

        return text.ToString();
    }

    /// <summary>The members that users see, without those of property accessors and of records.</summary>
    public static IEnumerable<MemberInfo> MembersOf(Type type) => type.GetMembers(Own).Where(member =>
        !member.IsDefined(typeof(CompilerGeneratedAttribute)) && member switch
        {
            MethodInfo method => IsSeen(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)),
            MethodBase constructor => IsSeen(constructor),
            PropertyInfo property => property.GetAccessors(true).Any(IsSeen),
            FieldInfo field => (field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly) && !field.IsSpecialName,
            EventInfo @event => IsSeen(@event.AddMethod!),
            _ => false, // nested types are types of their own
        });

    public static bool IsSeen(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static void Append(StringBuilder text, Type type)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n{Kind(type)} {ApiTypeName.Of(type)}");
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            text.Append(CultureInfo.InvariantCulture, $": {Member(type.GetMethod("Invoke")!)}\n");
            return;
        }

        string[] bases = type.IsEnum ? [] : [.. Bases(type).Select(ApiTypeName.Of)];
        text.Append(bases.Length == 0 ? "\n" : $" : {string.Join(", ", bases)}\n");
        foreach (var line in type.IsEnum ? Values(type) : Members(type)) text.Append(CultureInfo.InvariantCulture, $"    {line}\n");
    }

    private static IEnumerable<string> Values(Type type) =>
        Enum.GetNames(type).Select(name => $"{name} = {Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture)}");

    private static IEnumerable<string> Members(Type type) =>
        MembersOf(type).Select(member => (Rank: Rank(member), member.Name, Line: Member(member)))
            .OrderBy(entry => entry.Rank).ThenBy(entry => entry.Name, StringComparer.Ordinal).ThenBy(entry => entry.Line, StringComparer.Ordinal).Select(entry => entry.Line);

    private static int Rank(MemberInfo member) => member switch { FieldInfo => 0, ConstructorInfo => 1, PropertyInfo => 2, EventInfo => 3, _ => 4 };

    private static string Kind(Type type)
    {
        if (type.IsEnum) return type.IsDefined(typeof(FlagsAttribute)) ? "flags enum" : "enum";
        if (type.IsInterface) return "interface";
        if (typeof(Delegate).IsAssignableFrom(type)) return "delegate";
        var record = type.GetMethod("PrintMembers", Own) is not null ? "record " : "";
        if (type.IsValueType) return $"{(type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : "")}{record}struct";
        return $"{(type is { IsAbstract: true, IsSealed: true } ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "")}{record}class";
    }

    private static IEnumerable<Type> Bases(Type type)
    {
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType)) yield return parent;
        var inherited = type.BaseType?.GetInterfaces() ?? [];
        foreach (var contract in type.GetInterfaces().Except(inherited).OrderBy(contract => ApiTypeName.Of(contract), StringComparer.Ordinal))
            if (contract.IsVisible && contract != typeof(IEquatable<>).MakeGenericType(type.IsGenericTypeDefinition ? typeof(object) : type)) yield return contract;
    }

    private static string Member(MemberInfo member) => member switch
    {
        FieldInfo field => $"{(field.IsLiteral ? "const" : field.IsInitOnly ? "static readonly" : "static")} {ApiTypeName.Of(field)} {field.Name}{(field.IsLiteral ? $" = {Literal(field.FieldType, field.GetRawConstantValue())}" : "")}",
        ConstructorInfo constructor => $"{Access(constructor)}new({Parameters(constructor.GetParameters())})",
        PropertyInfo property => Property(property),
        EventInfo @event => $"{Modifiers(@event.AddMethod!)}event {@event.EventHandlerType} {@event.Name}",
        MethodInfo method => $"{Modifiers(method)}{ApiTypeName.Of(method.ReturnParameter)} {method.Name}{Generics(method)}({Parameters(method.GetParameters())})",
        _ => throw new ArgumentException($"{member} is no member that has a text.", nameof(member)),
    };

    private static string Property(PropertyInfo property)
    {
        var accessors = property.GetAccessors(true).Where(IsSeen).ToList();
        var widest = accessors.FirstOrDefault(accessor => accessor.IsPublic) ?? accessors[0];
        var parts = accessors.Select(accessor =>
        {
            var word = accessor == property.GetMethod ? "get" : accessor.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? "init" : "set";
            return $"{(accessor.IsPublic == widest.IsPublic ? "" : "protected ")}{word};";
        });
        var index = property.GetIndexParameters();
        return $"{Modifiers(widest)}{(property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "")}{ApiTypeName.Of(property)} "
            + $"{(index.Length > 0 ? $"this[{Parameters(index)}]" : property.Name)} {{ {string.Join(' ', parts)} }}";
    }

    private static string Generics(MethodInfo method) =>
        method.IsGenericMethodDefinition ? $"<{string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name))}>" : "";

    private static string Access(MethodBase method) => method.IsPublic ? "" : method.IsFamilyOrAssembly ? "protected internal " : "protected ";

    private static string Modifiers(MethodInfo method)
    {
        if (method.DeclaringType!.IsInterface) return method.IsAbstract ? "" : "virtual ";
        var kind = method.IsStatic ? "static " : !method.IsVirtual ? "" : method.IsAbstract ? "abstract "
            : method.GetBaseDefinition().DeclaringType != method.DeclaringType ? "override " : method.IsFinal ? "" : "virtual ";
        return Access(method) + kind;
    }

    private static string Parameters(ParameterInfo[] parameters) => string.Join(", ", parameters.Select(parameter =>
    {
        var passed = parameter.IsOut ? "out " : parameter.IsIn ? "in " : parameter.ParameterType.IsByRef ? "ref " : "";
        var many = parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute)) ? "params " : "";
        return $"{many}{passed}{ApiTypeName.Of(parameter)} {parameter.Name}{(parameter.HasDefaultValue ? $" = {Literal(parameter.ParameterType, parameter.DefaultValue)}" : "")}";
    }));

    private static string Literal(Type type, object? value)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        if (value is null) return type == plain && type.IsValueType ? "default" : "null";
        if (plain.IsEnum) return $"{plain.Name}.{Enum.ToObject(plain, value)}";
        return value switch
        {
            string text => $"\"{text}\"",
            bool flag => flag ? "true" : "false",
            _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        };
    }
}
