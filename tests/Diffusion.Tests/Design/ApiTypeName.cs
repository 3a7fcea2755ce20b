using System.Reflection;
using System.Runtime.CompilerServices;

namespace Diffusion.Tests.Design;

/// <summary>Types as C# writes them, without namespaces: with keywords, question marks, names of tuple elements and ranks of arrays.</summary>
internal static class ApiTypeName
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(char)] = "char",
        [typeof(short)] = "short",
        [typeof(int)] = "int",
        [typeof(long)] = "long",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
    };

    public static string Of(Type type) => Write(type, null, []);

    public static string Of(ParameterInfo parameter) => Write(parameter.ParameterType, new NullabilityInfoContext().Create(parameter), Names(parameter.GetCustomAttribute<TupleElementNamesAttribute>()));

    public static string Of(PropertyInfo property) => Write(property.PropertyType, new NullabilityInfoContext().Create(property), Names(property.GetCustomAttribute<TupleElementNamesAttribute>()));

    public static string Of(FieldInfo field) => Write(field.FieldType, new NullabilityInfoContext().Create(field), Names(field.GetCustomAttribute<TupleElementNamesAttribute>()));

    // The names of a tuple's elements come first, then those of tuples inside of it.
    private static Queue<string?> Names(TupleElementNamesAttribute? attribute) => new(attribute?.TransformNames ?? []);

    private static string Write(Type type, NullabilityInfo? known, Queue<string?> names)
    {
        if (type.IsByRef) return Write(type.GetElementType()!, known, names);
        if (Nullable.GetUnderlyingType(type) is { } value) return Write(value, known, names) + "?"; // known speaks of the value's own arguments
        var mark = !type.IsValueType && known?.ReadState == NullabilityState.Nullable ? "?" : "";
        if (type.IsArray) return $"{Write(type.GetElementType()!, known?.ElementType, names)}[{new string(',', type.GetArrayRank() - 1)}]{mark}";
        if (Keywords.TryGetValue(type, out var keyword)) return keyword + mark;
        if (type.IsGenericParameter) return type.Name + mark;

        var arguments = type.GetGenericArguments();
        var isTuple = typeof(ITuple).IsAssignableFrom(type) && type.IsValueType;
        string?[] labels = isTuple ? [.. arguments.Select(_ => names.TryDequeue(out var name) ? name : null)] : [];
        var written = arguments.Select((argument, i) => Write(argument, known?.GenericTypeArguments.ElementAtOrDefault(i), names)).ToArray();
        if (isTuple) return $"({string.Join(", ", written.Select((argument, i) => labels[i] is { } label ? $"{argument} {label}" : argument))})";
        return Plain(type) + (written.Length > 0 ? $"<{string.Join(", ", written)}>" : "") + mark;
    }

    // TorchSharp's types lie inside of static classes that everyone imports.
    private static string Plain(Type type)
    {
        var name = type.Name.Split('`')[0];
        return type.IsNested && type.Assembly != typeof(torch).Assembly ? $"{Plain(type.DeclaringType!)}.{name}" : name;
    }
}
